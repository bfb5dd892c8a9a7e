/**
 * Files of recorded datagrams: pcap, pcapng, `.dgrams` and IPFIX files, each also compressed with gzip, recognised by what is in
 * them.
 * Runs on the main thread, in bounded memory whatever the size of the file. A file that is damaged yields what is whole
 * before the damage and says so in its counts; only one that cannot be read at all is an error (MillraceError INPUT_FAILED).
 */

import { MillraceError } from '../../base/errors.ts';
import { onAbort } from '../../base/on-abort.ts';
import { ByteStream } from './byte-stream.ts';
import {
  BROKEN,
  type Capture,
  type CapturedDatagram,
  type CaptureStats,
  newStats,
  type RecordReader,
} from './contract.ts';
import { DGRAMS_PROBE_BYTES, DgramsReader } from './dgrams.ts';
import { FrameDecoder } from './ip.ts';
import { IpfixFileReader } from './ipfix-file.ts';
import { PCAP_HEADER_BYTES, PcapReader } from './pcap.ts';
import { PCAPNG_HEADER_BYTES, PcapngReader } from './pcapng.ts';
import { RawReader } from './raw.ts';
import { GunzipSource, openInput } from './sources.ts';

export type { Capture, CapturedDatagram, CaptureStats } from './contract.ts';

/** Datagrams per batch at most. */
export const BATCH_DATAGRAMS = 512;

export interface OpenCaptureOptions {
  /** What '-' reads; default standard input. */
  stdin?: NodeJS.ReadableStream;
  /** Whether a file that is one datagram and nothing else is taken too; default not. */
  raw?: boolean;
  /** Gives up opening it: the capture is then empty, or what can be told of what was there. */
  signal?: AbortSignal;
}

/** Opens a capture by its path; '-' is standard input. Throws MillraceError INPUT_FAILED when it cannot be read. */
export async function openCapture(
  path: string,
  { stdin, raw = false, signal }: OpenCaptureOptions = {},
): Promise<Capture> {
  const name = path === '-' ? 'standard input' : path;
  const stats = newStats();
  const onBytes = (count: number): void => {
    stats.bytesRead += count;
  };
  const input = await openInput(path, onBytes, stdin);
  stats.bytesTotal = input.bytesTotal;
  const release = onAbort(signal, () => void input.close());
  let stream = new ByteStream(input);
  try {
    if (await isGzip(stream)) stream = new ByteStream(new GunzipSource(stream));
    const decoder = new FrameDecoder(stats);
    const reader = await recognise(stream, decoder, stats, raw);
    if (reader !== null) return new StreamCapture(stream, reader, decoder, stats);
  } catch (error) {
    await stream.close();
    throw error;
  } finally {
    release();
  }
  await stream.close();
  const formats = 'pcap, pcapng, .dgrams and IPFIX files are read, plain or gzip-compressed';
  throw new MillraceError(
    'INPUT_FAILED',
    `cannot read ${name}: not a capture, or broken at its start; ${formats}`,
  );
}

class StreamCapture implements Capture {
  readonly stats: CaptureStats;
  readonly #stream: ByteStream;
  readonly #reader: RecordReader;
  readonly #decoder: FrameDecoder;
  #closed = false;

  constructor(stream: ByteStream, reader: RecordReader, decoder: FrameDecoder, stats: CaptureStats) {
    this.#stream = stream;
    this.#reader = reader;
    this.#decoder = decoder;
    this.stats = stats;
  }

  async *batches(): AsyncGenerator<CapturedDatagram[]> {
    try {
      while (!this.#closed) {
        const batch: CapturedDatagram[] = [];
        let needed = 0;
        while (batch.length < BATCH_DATAGRAMS && needed === 0) needed = this.#reader.step(batch);
        // A batch goes out before more is read: its payloads lie in the buffer, and a pipe may be silent for long.
        if (batch.length > 0) yield batch;
        if (needed === BROKEN) {
          this.stats.broken = 1;
          return;
        }
        if (needed > 0 && !this.#closed && !(await this.#stream.fill(needed))) {
          this.#countEnd();
          return;
        }
      }
    } finally {
      this.#decoder.finish();
      await this.close();
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#stream.close();
  }

  #countEnd(): void {
    if (this.#closed) return;
    const { fault, start, end } = this.#stream;
    if (fault === 'broken') this.stats.broken = 1;
    else if (fault === 'truncated' || end > start) this.stats.truncated++;
  }
}

/** Whether a stream begins as gzip does. */
export async function isGzip(stream: ByteStream): Promise<boolean> {
  if (!(await stream.fill(4))) return false;
  const { bytes, start } = stream;
  // Magic, the one method there is, and no reserved flag (RFC 1952).
  return (
    bytes[start] === 0x1f &&
    bytes[start + 1] === 0x8b &&
    bytes[start + 2] === 8 &&
    (bytes[start + 3] & 0xe0) === 0
  );
}

/** Null when the content is of no known format. */
async function recognise(
  stream: ByteStream,
  decoder: FrameDecoder,
  stats: CaptureStats,
  raw: boolean,
): Promise<RecordReader | null> {
  if (await has(stream, PCAP_HEADER_BYTES, PcapReader.matches)) return new PcapReader(stream, decoder);
  if (await has(stream, PCAPNG_HEADER_BYTES, PcapngReader.matches))
    return new PcapngReader(stream, decoder, stats);
  const atEnd = !(await stream.fill(DGRAMS_PROBE_BYTES));
  const probe = new DataView(stream.bytes.buffer, stream.start, stream.end - stream.start);
  if (raw && atEnd && RawReader.matches(probe)) return new RawReader(stream, stats);
  if (IpfixFileReader.matches(probe)) return new IpfixFileReader(stream, stats);
  const empty = probe.byteLength === 0 && stream.fault === 'none';
  return empty || DgramsReader.matches(probe, atEnd) ? new DgramsReader(stream, stats) : null;
}

async function has(
  stream: ByteStream,
  bytes: number,
  matches: (header: DataView) => boolean,
): Promise<boolean> {
  return (await stream.fill(bytes)) && matches(new DataView(stream.bytes.buffer, stream.start, bytes));
}
