#!/usr/bin/env node
// What somebody would write instead: reads an export, a profile in JSON a line, and writes the bodies of the requests that add
// its members, one a line. Node's own crypto and JSON, one record at a time; no durability, no deduplication, no removals.
// Prints {"records", "cpu_seconds", "seconds"}.
// usage: bodies.js EXPORT BODIES
'use strict';
const crypto = require('crypto');
const fs = require('fs');

const BODY_RECORDS = 10000;
const NORMALIZE = {
  email: (value) => value.trim().toLowerCase(),
  gaid: (value) => value.trim().toLowerCase(),
  idfa: (value) => value.trim().toUpperCase(),
};

if (process.argv.length !== 4) {
  console.error('usage: bodies.js EXPORT BODIES');
  process.exit(2);
}
const text = fs.readFileSync(process.argv[2], 'utf8');
const out = fs.openSync(process.argv[3], 'w');

const cpu = process.cpuUsage();
const start = process.hrtime.bigint();
let records = 0;
let waiting = [];

function send() {
  fs.writeSync(out, JSON.stringify({operation_type: 'ADD', records: waiting.join(',')}) + '\n');
  waiting = [];
}

for (const line of text.split('\n')) {
  if (line === '') continue;
  const profile = JSON.parse(line);
  for (const [name, identities] of Object.entries(profile.identityMap)) {
    const normalize = NORMALIZE[name.toLowerCase()];
    if (!normalize) continue;
    for (const identity of identities) {
      const record = crypto.createHash('sha256').update(normalize(identity.id)).digest('hex');
      for (const segments of Object.values(profile.segmentMembership)) {
        for (const membership of Object.values(segments)) {
          if (membership.status === 'exited') continue;
          waiting.push(record);
          records += 1;
          if (waiting.length === BODY_RECORDS) send();
        }
      }
    }
  }
}
if (waiting.length > 0) send();
fs.closeSync(out);

const used = process.cpuUsage(cpu);
console.log(JSON.stringify({
  records,
  cpu_seconds: (used.user + used.system) / 1e6,
  seconds: Number(process.hrtime.bigint() - start) / 1e9,
}));
