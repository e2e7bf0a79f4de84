// From lines of JSON in the platform's own shape to numbered batches of
// ProfileExport messages.
'use strict';

const fs = require('fs');

const STATUSES = {
  realized: 'MEMBERSHIP_STATUS_REALIZED',
  existing: 'MEMBERSHIP_STATUS_EXISTING',
  exited: 'MEMBERSHIP_STATUS_EXITED',
};

// What is wrong with a profile. The message never shows what stands there.
class ProfileError extends Error {}

// A Date has milliseconds only; the connector compares times as exactly as they
// are given, down to the nanosecond.
function timestampOf(text) {
  if (typeof text !== 'string') return undefined; // only a hint: an exit must not be lost over it
  const [, whole, fraction = '', zone] = /^([^.]*)(?:\.(\d{1,9}))?(\D.*)?$/.exec(text) || [];
  const millis = Date.parse(`${whole}${zone || ''}`);
  if (Number.isNaN(millis)) return undefined;
  return { seconds: Math.floor(millis / 1000), nanos: Number(fraction.padEnd(9, '0')) };
}

function textOf(value, what) {
  if (typeof value !== 'string') throw new ProfileError(`${what} must be a string`);
  return value;
}

function profileOf(line) {
  const parsed = JSON.parse(line);
  const profile = { identities: [], segment_memberships: [] };
  for (const [name, entries] of Object.entries(parsed.identityMap || {})) {
    for (const entry of entries) {
      // String(undefined) would be somebody called "undefined".
      const id = textOf(entry && entry.id, 'an id');
      profile.identities.push({ source_namespace: name, value: Buffer.from(id, 'utf8') });
    }
  }
  for (const [name, segments] of Object.entries(parsed.segmentMembership || {})) {
    for (const [id, membership] of Object.entries(segments)) {
      if (membership === null || typeof membership !== 'object') {
        throw new ProfileError('a membership must be an object');
      }
      const out = {
        segment: { segment_namespace: name, segment_id: id },
        status: STATUSES[textOf(membership.status, 'a status').toLowerCase()] || 'MEMBERSHIP_STATUS_UNSPECIFIED',
      };
      if (membership.name) out.segment.display_name = membership.name;
      const time = timestampOf(membership.lastQualificationTime);
      if (time) out.last_qualification_time = time;
      profile.segment_memberships.push(out);
    }
  }
  return profile;
}

// The lines of a file from an offset on: {text, end}, `end` being the offset
// behind the line.
async function* readLines(file, start) {
  let rest = Buffer.alloc(0);
  let offset = start; // of `rest`
  for await (const chunk of fs.createReadStream(file, { start, highWaterMark: 1 << 18 })) {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    let from = 0;
    for (let feed; (feed = rest.indexOf(10, from)) >= 0; from = feed + 1) {
      yield { text: rest.toString('utf8', from, feed), end: offset + feed + 1 };
    }
    rest = rest.subarray(from);
    offset += from;
  }
  if (rest.length > 0) yield { text: rest.toString('utf8'), end: offset + rest.length };
}

// Batches behind the position. The same file and size give the same batches. A
// line that is no profile ends the export: nobody may be skipped in silence.
async function* readBatches(file, batchProfiles, position) {
  const fresh = () => ({ number: 0, profiles: [], lines: [], bytes: 0, end: null });
  let { durable: number, line } = position;
  const skipThrough = position.known;
  let batch = fresh();
  const finish = () => {
    const full = batch;
    full.number = ++number;
    batch = fresh();
    return full;
  };
  for await (const { text, end } of readLines(file, position.offset)) {
    ++line;
    if (text.trim() === '') continue;
    try {
      batch.profiles.push(profileOf(text));
    } catch (error) {
      const why = error instanceof ProfileError ? `: ${error.message}` : '';
      throw new Error(`line ${line} is no profile${why}`);
    }
    batch.lines.push(line);
    batch.bytes += Buffer.byteLength(text);
    batch.end = { offset: end, line };
    if (batch.profiles.length < batchProfiles) continue;
    const full = finish();
    // Durable, though the acknowledgement never came here.
    if (full.number > skipThrough) yield full;
  }
  if (batch.profiles.length > 0) {
    const full = finish();
    if (full.number > skipThrough) yield full;
  }
}

module.exports = { readBatches, profileOf, timestampOf };
