import type { Clock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import { Pacer, type PacerOptions, RecordedPacer } from './pacer.ts';
import { MAX_SOURCES, type PacedSender } from './sender.ts';

/** A datagram of a recording. */
export interface RecordedDatagram {
  readonly payload: Uint8Array;
  /** UDP source port. */
  readonly port: number;
  /** 16-byte form of the source address. */
  readonly address: Uint8Array;
  /** Ms since the epoch; NaN when the recording has no times. */
  readonly capturedAtMs: number;
}

/** Opens the recording from its beginning; batches need to be valid only until the next one is asked for. */
export type OpenRecording = () => AsyncIterable<readonly RecordedDatagram[]>;

export interface ReplayOptions extends PacerOptions {
  /** Datagrams per second, 0 or Infinity for as fast as possible; instead of the recorded distances. */
  rate?: number;
  /** How many times as fast as recorded; default 1, 0 or Infinity for as fast as possible. */
  speed?: number;
  /** How often the recording is sent; default 1, Infinity until aborted. */
  loop?: number;
  /** Called after every batch with counts so far. */
  onProgress?: (progress: ReplayProgress) => void;
}

export interface ReplayProgress {
  /** Datagrams handed to the sender, in all rounds. */
  readonly datagrams: number;
  /** Octets of their payloads. */
  readonly bytes: number;
  /** Rounds that were sent completely. */
  readonly rounds: number;
}

/**
 * Sends a recording. Datagrams of different exporter addresses go through different sockets, as far as the sender has
 * any. Ends early when the signal is aborted. Throws MillraceError CONFIG_INVALID for options that contradict.
 */
export async function replay(
  open: OpenRecording,
  sender: Pick<PacedSender, 'send'>,
  clock: Clock,
  options: ReplayOptions = {},
): Promise<ReplayProgress> {
  const { rate, speed, loop = 1, signal, onProgress } = options;
  checkOptions(rate, speed, loop);
  const constant = rate === undefined ? undefined : new Pacer(rate, clock, options);
  const recorded = new RecordedPacer(speed ?? 1, clock, options);
  const sources = new SourceTable();
  let datagrams = 0;
  let bytes = 0;
  let rounds = 0;
  while (rounds < loop && !signal?.aborted) {
    const before = datagrams;
    recorded.restart();
    for await (const batch of open()) {
      for (const { payload, address, capturedAtMs } of batch) {
        const due = constant === undefined ? recorded.wait(capturedAtMs) : constant.wait(1);
        if (due !== undefined) await due;
        if (signal?.aborted) break;
        const room = sender.send(payload, sources.of(address));
        if (room !== undefined) await room;
        datagrams++;
        bytes += payload.length;
      }
      onProgress?.({ datagrams, bytes, rounds });
      if (signal?.aborted) break;
    }
    if (signal?.aborted) break;
    rounds++;
    // An empty recording would go round for ever without doing anything.
    if (datagrams === before) break;
  }
  return { datagrams, bytes, rounds };
}

function checkOptions(rate: number | undefined, speed: number | undefined, loop: number): void {
  const invalid = (message: string) => new MillraceError('CONFIG_INVALID', message);
  if (rate !== undefined && speed !== undefined) throw invalid('replay takes a rate or a speed, not both');
  if (rate !== undefined && !(rate >= 0)) throw invalid(`replay rate must be 0 or more, not ${rate}`);
  if (speed !== undefined && !(speed >= 0)) throw invalid(`replay speed must be 0 or more, not ${speed}`);
  if (!(loop >= 1) || (loop !== Number.POSITIVE_INFINITY && !Number.isInteger(loop))) {
    throw invalid(`replay loop must be a whole number from 1, not ${loop}`);
  }
}

/**
 * Numbers exporter addresses in the order of their appearance. From the 257th on they share the numbers of others, so
 * that the table stays small whatever a recording holds.
 */
class SourceTable {
  readonly #sources = new Map<string, number>();
  readonly #last = new Uint8Array(16);
  #lastSource = -1;

  of(address: Uint8Array): number {
    if (this.#lastSource >= 0 && this.#isLast(address)) return this.#lastSource;
    const key = String.fromCharCode(...address);
    let source = this.#sources.get(key);
    if (source === undefined) {
      if (this.#sources.size < MAX_SOURCES) this.#sources.set(key, (source = this.#sources.size));
      else source = address.reduce((sum, octet) => (sum * 31 + octet) % MAX_SOURCES, 0);
    }
    this.#last.set(address);
    this.#lastSource = source;
    return source;
  }

  #isLast(address: Uint8Array): boolean {
    for (let i = 0; i < 16; i++) if (address[i] !== this.#last[i]) return false;
    return true;
  }
}
