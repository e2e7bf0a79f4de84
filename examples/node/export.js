#!/usr/bin/env node
// node export.js --address=unix:PATH --ad-account=ID --state=FILE EXPORT.jsonl
'use strict';

const path = require('path');
const { parseArgs } = require('util');
const { exportFile, FinalError } = require('./client');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    address: { type: 'string' }, // unix:PATH or HOST:PORT
    'ad-account': { type: 'string' },
    state: { type: 'string' }, // where the position is remembered
    proto: { type: 'string', default: path.join(__dirname, '..', '..', 'proto') },
    'batch-profiles': { type: 'string', default: '1000' },
    window: { type: 'string', default: '16' }, // batches under way
    ca: { type: 'string' }, // TLS, and for mutual TLS the other two
    certificate: { type: 'string' },
    key: { type: 'string' },
  },
});
if (!values.address || !values['ad-account'] || !values.state || positionals.length !== 1) {
  console.error('usage: export.js --address=unix:PATH|HOST:PORT --ad-account=ID --state=FILE EXPORT.jsonl');
  process.exit(2);
}

const options = {
  address: values.address,
  adAccount: values['ad-account'],
  stateFile: values.state,
  protoDir: values.proto,
  batchProfiles: Number(values['batch-profiles']),
  window: Number(values.window),
  caFile: values.ca,
  certificateFile: values.certificate,
  keyFile: values.key,
  file: positionals[0],
};

exportFile(options, (text) => console.log(text)).then(
  () => console.log('the export is durable'),
  (error) => {
    console.error(error.message);
    process.exitCode = error instanceof FinalError && error.reason === 'STREAM_FENCED' ? 3 : 1;
  });
