// Where an export stands, remembered in a small file: which export it is, and
// what of it is durable at the connector. Every change is on the disk before the
// function returns.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

function digestOf(file) {
  const hash = crypto.createHash('sha256');
  const fd = fs.openSync(file, 'r');
  const buffer = Buffer.alloc(1 << 20);
  for (let got; (got = fs.readSync(fd, buffer, 0, buffer.length, null)) > 0;) {
    hash.update(buffer.subarray(0, got));
  }
  fs.closeSync(fd);
  return hash.digest('hex');
}

class Position {
  // Takes up what the state file tells, if it is of the same content cut into
  // the same batches; else begins a new export.
  static open(stateFile, inputFile, batchProfiles) {
    const key = `${batchProfiles} ${digestOf(inputFile)}`;
    const position = new Position(stateFile, key, inputFile);
    try {
      const saved = JSON.parse(fs.readFileSync(stateFile, 'utf8'));
      if (saved.key === key) Object.assign(position, saved);
    } catch (error) {
      if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
    }
    if (!position.exportId) position.restart();
    return position;
  }

  constructor(stateFile, key, inputFile) {
    // Not enumerable, so not in the file.
    Object.defineProperty(this, 'stateFile', { value: stateFile });
    Object.defineProperty(this, 'inputFile', { value: inputFile });
    Object.defineProperty(this, 'inputSize', { value: fs.statSync(inputFile).size });
    this.key = key;
    this.exportId = '';
    this.historyId = '';
    this.durable = 0; // the number of the last durable batch
    this.offset = 0; // where the next one begins in the file
    this.line = 0; // lines before it
    this.ended = false;
  }

  // Throws if the file is another one than when the export began: batches are
  // numbered by its content, so what is durable and what is sent from now on
  // would not belong together.
  checkFile() {
    if (fs.statSync(this.inputFile).size === this.inputSize &&
        this.key.endsWith(` ${digestOf(this.inputFile)}`)) {
      return;
    }
    const error = new Error(
      'the file changed while it was exported: what was durable stays, and the export is not ended; ' +
      'run it again with a file that nobody writes to');
    error.reason = 'FILE_CHANGED';
    throw error;
  }

  // A new export of the same content.
  restart() {
    this.exportId = `node-${crypto.randomBytes(12).toString('hex')}`;
    this.historyId = '';
    this.durable = this.offset = this.line = 0;
    this.ended = false;
    this.save();
  }

  // Compares what the connector knows with what is known here. The connector's
  // position decides; it may be ahead of ours by acknowledgements that never
  // arrived.
  accept(historyId, durable) {
    if ((this.historyId !== '' && this.historyId !== historyId) || durable < this.durable) {
      const error = new Error(
        'the connector lost its memory of this destination: this file is exported from its start, ' +
        'and every other segment must be exported in full, too');
      error.reason = 'HISTORY_CHANGED';
      throw error;
    }
    this.historyId = historyId;
    this.known = durable;
    this.save();
  }

  advance(durable, end) {
    this.durable = durable;
    this.offset = end.offset;
    this.line = end.line;
    this.save();
  }

  end() {
    this.ended = true;
    this.save();
  }

  // Whole or not at all, and on the disk.
  save() {
    const temporary = `${this.stateFile}.new`;
    const fd = fs.openSync(temporary, 'w', 0o600);
    fs.writeSync(fd, JSON.stringify(this));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.renameSync(temporary, this.stateFile);
    const directory = fs.openSync(path.dirname(path.resolve(this.stateFile)), 'r');
    fs.fsyncSync(directory);
    fs.closeSync(directory);
  }
}

module.exports = { Position };
