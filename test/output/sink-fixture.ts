import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { FileSink, type FileSinkOptions } from '../../src/output/file-sink.ts';
import { type FileSpec, parseOutputUri } from '../../src/output/output-uri.ts';
import type { Sink } from '../../src/output/sink.ts';
import { FileFaults } from './file-faults.ts';
import { ManualTime } from './manual-time.ts';

/** 2026-11-21 10:17:30 UTC. */
export const START_MS = Date.UTC(2026, 10, 21, 10, 17, 30);

/** One record of 8 bytes: `rec 042\n`. */
export const record = (n: number): Uint8Array => Buffer.from(`rec ${String(n).padStart(3, '0')}\n`);

/** A chunk of consecutive records. */
export const records = (first: number, count: number): Uint8Array =>
  Buffer.concat(Array.from({ length: count }, (_, i) => record(first + i)));

export function given(sink: Sink): number {
  const { written, droppedFailed, droppedQueueFull, queued } = sink.counts;
  return written + droppedFailed + droppedQueueFull + queued;
}

/** A directory of its own that is removed with the test. */
export function temporaryDirectory(t: { after: TestContext['after'] }): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-output-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A file sink on the real file system, with faults and time in the hands of the test. */
export class FileSinkFixture {
  readonly directory: string;
  readonly time = new ManualTime(START_MS);
  readonly faults = new FileFaults();
  readonly sink: FileSink;

  /** uri: what follows `file:DIRECTORY/`. */
  constructor(
    directory: string,
    uri: string,
    options: Partial<FileSinkOptions> & { queueBytes?: number } = {},
  ) {
    this.directory = directory;
    const parsed = parseOutputUri(`file:${directory}/${uri}`, { format: 'ndjson', schema: 'millrace' });
    assert.equal(parsed.kind, 'file');
    const spec = {
      ...(parsed as FileSpec),
      ...(options.queueBytes ? { queueBytes: options.queueBytes } : {}),
    };
    this.sink = new FileSink(spec, {
      whenFull: 'drop',
      clock: this.time,
      timers: this.time,
      fs: this.faults.fs,
      ...options,
    });
  }

  /** Paths of the files in the directory and below, relative, sorted. */
  names(): string[] {
    return readdirSync(this.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(this.directory.length + 1))
      .sort();
  }

  read(name: string): Buffer {
    return readFileSync(join(this.directory, name));
  }

  /** Name and text of every file. */
  contents(): Record<string, string> {
    return Object.fromEntries(this.names().map((name) => [name, this.read(name).toString()]));
  }
}
