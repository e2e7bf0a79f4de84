// An export of one file over ExportSegments: batches up, acknowledgements down.
//
// What a host must get right is in here: one export ID for one content, numbers
// that do not change when a batch is sent again, a window, a position that is
// durable on this side, too, and what to do about each way a stream can end.
// docs/hosts.md has the rules.
'use strict';

const fs = require('fs');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const { readBatches } = require('./profiles');
const { Position } = require('./position');

// As much of google/rpc/{status,error_details}.proto as is needed here.
const details = protobuf.parse(`
  syntax = "proto3"; package google.rpc;
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }
`, { keepCase: true }).root;

// ErrorInfo.reason and RetryInfo of a gRPC error.
function detailOf(error) {
  const out = { reason: '', retryMs: null };
  const [bytes] = error.metadata ? error.metadata.get('grpc-status-details-bin') : [];
  if (!bytes) return out;
  for (const any of details.lookupType('google.rpc.Status').decode(bytes).details) {
    if (any.type_url.endsWith('/google.rpc.ErrorInfo')) {
      out.reason = details.lookupType('google.rpc.ErrorInfo').decode(any.value).reason;
    } else if (any.type_url.endsWith('/google.rpc.RetryInfo')) {
      const delay = details.lookupType('google.rpc.RetryInfo').decode(any.value).retry_delay;
      out.retryMs = Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    }
  }
  return out;
}

// An error that trying again does not mend.
class FinalError extends Error {
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

function loadService(protoDir) {
  const loaded = protoLoader.loadSync('audience_sync/v1/export_service.proto', {
    includeDirs: [protoDir],
    keepCase: true, // field names as in the .proto files
    longs: String, // an int64 may be larger than a number is exact
    enums: String,
    defaults: true,
    oneofs: true,
  });
  return grpc.loadPackageDefinition(loaded).audience_sync.v1.ExportService;
}

function connect(options) {
  const Service = loadService(options.protoDir);
  // A Unix socket is guarded by its directory; anything else should have TLS.
  const credentials = options.caFile
    ? grpc.credentials.createSsl(
        fs.readFileSync(options.caFile),
        options.keyFile ? fs.readFileSync(options.keyFile) : null,
        options.certificateFile ? fs.readFileSync(options.certificateFile) : null)
    : grpc.credentials.createInsecure();
  return new Service(options.address, credentials, {
    'grpc.max_send_message_length': 16 << 20,
    // Ask a silent server whether it is there; it allows it every 10 s.
    'grpc.keepalive_time_ms': 30000,
  });
}

// One stream, from its open frame to its end. Resolves when the end of the
// export is durable; rejects with a gRPC error, or a FinalError.
function runStream(client, options, position, log) {
  return new Promise((resolve, reject) => {
    const call = client.ExportSegments();
    const window = []; // sent and not durable: {number, lines, bytes, end}
    let windowBytes = 0;
    let maxBytes = 32 << 20;
    let wake = () => {};
    let broken = false;
    let ended = false;

    const stop = (error) => {
      if (broken) return;
      broken = true;
      wake();
      if (error) {
        call.cancel();
        reject(error);
      } else {
        resolve();
      }
    };
    // A FinalError of our own goes before the error of the cancelled call.
    const guard = (action) => (...args) => {
      try {
        action(...args);
      } catch (error) {
        stop(error);
      }
    };

    // Sends what is not durable, at most a window of it at a time.
    const send = async () => {
      let last = position.known;
      // Numbers depend on content and batch size alone, so the batch behind the
      // durable one is the one that was sent under that number before.
      for await (const batch of readBatches(options.file, options.batchProfiles, position)) {
        if (broken) return;
        last = batch.number;
        while (!broken && window.length > 0 &&
               (window.length >= options.window || windowBytes + batch.bytes > maxBytes)) {
          await new Promise((resolve_) => { wake = resolve_; });
        }
        if (broken) return;
        window.push(batch);
        windowBytes += batch.bytes;
        const room = call.write({
          batch: { sequence_number: batch.number, profile_exports: batch.profiles },
        });
        batch.profiles = null; // places are enough from here on; a new stream reads the file again
        if (!room) await new Promise((resolve_) => { wake = resolve_; call.once('drain', resolve_); });
      }
      while (!broken && window.length > 0) await new Promise((resolve_) => { wake = resolve_; });
      if (broken) return;
      position.checkFile();
      call.write({ end: { last_sequence_number: last } });
    };

    const onOpened = (opened) => {
      const durable = Number(opened.position.durable_sequence_number);
      position.accept(opened.history_id, durable, log);
      maxBytes = Number(opened.limits.max_unacknowledged_bytes) || maxBytes;
      if (opened.position.ended) {
        log('the export had already ended');
        ended = true;
        position.end();
        call.end();
        return;
      }
      if (durable > 0) {
        position.checkFile();
        log(`resuming behind batch ${durable}`);
      }
      send().catch(stop);
    };

    const onDurable = (ack) => {
      const durable = Number(ack.durable_sequence_number);
      let end = null;
      const lines = new Map();
      while (window.length > 0 && window[0].number <= durable) {
        const batch = window.shift();
        windowBytes -= batch.bytes;
        lines.set(batch.number, batch.lines);
        end = batch.end;
      }
      for (const rejected of ack.batch_rejections) {
        // Places, never values: the connector has none to tell.
        log(`batch ${rejected.sequence_number}: ${rejected.rejection_count} rejected`);
        for (const one of rejected.rejections) {
          const line = (lines.get(Number(rejected.sequence_number)) || [])[one.profile_index];
          log(`  line ${line}: ${one.reason}`);
        }
      }
      // Only now may the host forget the batches.
      if (end !== null) position.advance(durable, end);
      wake();
    };

    call.on('data', guard((frame) => {
      if (broken) return;
      if (frame.frame === 'opened') onOpened(frame.opened);
      if (frame.frame === 'durable_ack') onDurable(frame.durable_ack);
      if (frame.frame === 'ended') {
        ended = true;
        position.end();
        call.end();
      }
    }));
    call.on('error', stop);
    call.on('end', () => {
      if (ended) stop();
    });
    call.on('status', (status) => {
      if (status.code === grpc.status.OK && !ended) {
        stop(Object.assign(new Error('the stream ended early'), { code: grpc.status.UNAVAILABLE }));
      }
    });
    call.write({ open: { ad_account_id: options.adAccount, export_id: position.exportId } });
  });
}

// Exports the file; resolves when the end is durable. Streams are opened again
// for as long as that makes sense.
async function exportFile(options, log) {
  const position = Position.open(options.stateFile, options.file, options.batchProfiles);
  if (position.ended) {
    log('this file was exported already; remove the state file to export it again');
    return;
  }
  const client = connect(options);
  let failures = 0;
  try {
    for (;;) {
      const before = position.durable;
      try {
        await runStream(client, options, position, log);
        return;
      } catch (error) {
        if (error.reason === 'HISTORY_CHANGED') {
          log(error.message);
          position.restart();
          continue;
        }
        if (!(error.code >= 0)) throw error;
        const detail = detailOf(error);
        if (detail.reason === 'STREAM_FENCED') {
          // Somebody newer has this export. Trying again would fence them.
          throw new FinalError('STREAM_FENCED', 'a newer stream of this export was opened elsewhere');
        }
        const again = error.code === grpc.status.UNAVAILABLE ||
          error.code === grpc.status.CANCELLED ||
          (error.code === grpc.status.RESOURCE_EXHAUSTED && detail.retryMs !== null);
        if (!again) throw new FinalError(detail.reason, `${error.details || error.message} (${detail.reason})`);
        failures = position.durable > before ? 0 : failures + 1;
        // The server's own delay wins; otherwise full jitter up to 30 s.
        const delay = detail.retryMs ?? Math.random() * Math.min(30000, 200 * 2 ** Math.min(failures, 8));
        log(`${detail.reason || grpc.status[error.code]}: again in ${Math.round(delay)} ms`);
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  } finally {
    client.close();
  }
}

module.exports = { exportFile, FinalError, detailOf };
