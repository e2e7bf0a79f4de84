// node --test
'use strict';

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const test = require('node:test');

const { Position } = require('./position');
const { profileOf, readBatches, timestampOf } = require('./profiles');

test('times stay as exact as they are given', () => {
  const seconds = 1772445600;
  for (const [text, nanos] of [
    ['2026-03-02T10:00:00Z', 0],
    ['2026-03-02T10:00:00.1Z', 100000000],
    ['2026-03-02T10:00:00.123456Z', 123456000],
    ['2026-03-02T10:00:00.123456789Z', 123456789],
    ['2026-03-02T10:00:00.947+0000', 947000000],
    ['2026-03-02T11:00:00.000001+01:00', 1000],
    ['2026-03-02T10:00:00+00:00', 0],
  ]) {
    assert.deepStrictEqual(timestampOf(text), { seconds, nanos }, text);
  }
  assert.deepStrictEqual(timestampOf('1969-12-31T23:59:59.25Z'), { seconds: -1, nanos: 250000000 });
  for (const text of [undefined, null, 7, 'yesterday', '']) assert.strictEqual(timestampOf(text), undefined);
});

test('what is no string is no id and no status', () => {
  const line = (id, status) => JSON.stringify({
    identityMap: { Email: [{ id }] },
    segmentMembership: { ups: { s: { status } } },
  });
  assert.strictEqual(profileOf(line('a@example.com', 'realized')).identities[0].value.toString(), 'a@example.com');
  for (const id of [undefined, null, 7, {}, ['a']]) {
    assert.throws(() => profileOf(line(id, 'realized')), { message: 'an id must be a string' });
  }
  for (const status of [undefined, null, 7]) {
    assert.throws(() => profileOf(line('a', status)), { message: 'a status must be a string' });
  }
  assert.throws(() => profileOf('{"identityMap":{"Email":[null]}}'), { message: 'an id must be a string' });
  assert.throws(() => profileOf('{"segmentMembership":{"ups":{"s":null}}}'), { message: 'a membership must be an object' });
});

test('a bad line is named by number and never by what it holds', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'profiles-'));
  try {
    const file = path.join(directory, 'a.jsonl');
    for (const bad of ['{"identityMap":{"Email":[{"name":"canary"}]}}', 'canary']) {
      fs.writeFileSync(file, `{"identityMap":{}}\n${bad}\n`);
      await assert.rejects(async () => {
        for await (const batch of readBatches(file, 10, { durable: 0, line: 0, known: 0, offset: 0 })) void batch;
      }, (error) => /^line 2 is no profile/.test(error.message) && !/canary/.test(error.message));
    }
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});

test('a file that changed is noticed, even at the same size', () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'position-'));
  try {
    const file = path.join(directory, 'a.jsonl');
    fs.writeFileSync(file, 'one\n');
    const position = Position.open(path.join(directory, 'state'), file, 10);
    position.checkFile();
    for (const content of ['two\n', 'one\nmore\n', '']) {
      fs.writeFileSync(file, content);
      assert.throws(() => position.checkFile(), { reason: 'FILE_CHANGED' });
    }
    fs.writeFileSync(file, 'one\n');
    position.checkFile();
    // The state file says nothing of where the input is.
    assert.strictEqual(JSON.parse(fs.readFileSync(path.join(directory, 'state'))).inputFile, undefined);
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
