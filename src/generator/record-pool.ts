import { assert } from '../base/assert.ts';
import { writeValue } from './flow-values.ts';
import { writeUint } from './message-writer.ts';
import { Prng } from './prng.ts';
import type { TemplateField, ValueName } from './template-data.ts';
import { elephant, makeFlow, TCP } from './traffic.ts';

/**
 * Ready-made records of one field list. A datagram takes a run of neighbours as they are and then writes times, counters
 * and the exporter's own network over the copies, which is several times cheaper than to build each record.
 */

/** When and by whom records are sent. */
export interface Moment {
  /** Virtual time, whole ms since the epoch. */
  nowMs: number;
  /** Export time of the message header in ms: nowMs without its fraction of a second. */
  headerMs: number;
  /** sysUptime, modulo 2^32. */
  uptimeMs: number;
  bootMs: number;
  /** Index of the exporter, which is also the number of its network. */
  exporter: number;
  /** Where the counters come from. */
  prng: Prng;
}

const POOL_RECORDS = 1024;
/** Every so many flows one is large, where the counters have the room. */
const ELEPHANT_EVERY = 64;
/** Longest record there may be; keeps a share of the smallest datagram good for at least one. */
export const MAX_RECORD_BYTES = 440;

const NTP_EPOCH_SECONDS = 2_208_988_800;

const Patch = {
  network: 0,
  octets: 1,
  packets: 2,
  startUptime: 3,
  endUptime: 4,
  startSeconds: 5,
  endSeconds: 6,
  startMillis: 7,
  endMillis: 8,
  startMicros: 9,
  endMicros: 10,
  startDelta: 11,
  endDelta: 12,
  bootMillis: 13,
} as const;
const PATCHES: Readonly<Partial<Record<ValueName, number>>> = Patch;

/** Where the 16 bits of the exporter's network stand in an address of its own side: 10.n.n.host, 2001:db8:n::host. */
const NETWORK_AT: Readonly<Partial<Record<ValueName, number>>> = {
  srcAddr4: 1,
  dstAddr4: 1,
  srcAddr6: 4,
  dstAddr6: 4,
};

export class RecordPool {
  readonly size = POOL_RECORDS;
  readonly fields: readonly TemplateField[];
  /** Records that the last `copy` wrote. */
  copied = 0;
  readonly #bytes: Uint8Array;
  /** Start of each record in #bytes, and the end of the last. */
  readonly #starts = new Uint32Array(POOL_RECORDS + 1);
  /** What is written anew, by position in a row of #patchAt. */
  readonly #kinds: Uint8Array;
  readonly #lengths: Uint8Array;
  /** Offsets in each record. */
  readonly #patchAt: Uint16Array;
  readonly #packets = new Uint32Array(POOL_RECORDS);
  readonly #packetBytes = new Uint16Array(POOL_RECORDS);
  readonly #durationMs = new Uint32Array(POOL_RECORDS);
  readonly #endedAgoMs = new Uint32Array(POOL_RECORDS);

  constructor(fields: readonly TemplateField[], seed: number, stream: number, sampled: boolean) {
    this.fields = fields;
    const patched = fields.filter(({ value }) => PATCHES[value] !== undefined);
    this.#kinds = Uint8Array.from([Patch.network, ...patched.map(({ value }) => PATCHES[value] as number)]);
    this.#lengths = Uint8Array.from([2, ...patched.map(({ length }) => length)]);
    this.#patchAt = new Uint16Array(POOL_RECORDS * this.#kinds.length);

    const wide = fields.some(({ value, length }) => value === 'octets' && length > 4);
    const prng = new Prng(seed, stream);
    const bytes = new Uint8Array(POOL_RECORDS * MAX_RECORD_BYTES);
    let at = 0;
    for (let row = 0; row < POOL_RECORDS; row++) {
      let flow = makeFlow(prng);
      if (wide && row % ELEPHANT_EVERY === 0 && flow.service.protocol === TCP) flow = elephant(flow);
      this.#packets[row] = flow.packets;
      this.#packetBytes[row] = flow.packetBytes;
      this.#durationMs[row] = flow.durationMs;
      this.#endedAgoMs[row] = flow.endedAgoMs;
      const start = at;
      let patch = row * this.#kinds.length;
      const networkPatch = patch++;
      for (const field of fields) {
        const networkAt = NETWORK_AT[field.value];
        if (networkAt !== undefined && flow.outbound === field.value.startsWith('src')) {
          this.#patchAt[networkPatch] = at - start + networkAt;
        }
        if (PATCHES[field.value] !== undefined) this.#patchAt[patch++] = at - start;
        at = writeValue(flow, field, sampled, bytes, at);
      }
      assert(at - start <= MAX_RECORD_BYTES, 'simulated records are within their limit');
      this.#starts[row + 1] = at;
    }
    this.#bytes = bytes.slice(0, at);
  }

  /**
   * Writes up to `limit` records from row `from` on, wrapping around, as far as they fit before `end`. Returns where the
   * last one ends; their number is in `copied`.
   */
  copy(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    end: number,
    limit: number,
    from: number,
    moment: Moment,
  ): number {
    const starts = this.#starts;
    let copied = 0;
    let row = from;
    for (;;) {
      const shift = at - starts[row];
      const most = Math.min(POOL_RECORDS, row + limit - copied);
      let stop = row;
      while (stop < most && starts[stop + 1] + shift <= end) stop++;
      bytes.set(this.#bytes.subarray(starts[row], starts[stop]), at);
      this.#patch(view, shift, row, stop, moment);
      at = starts[stop] + shift;
      copied += stop - row;
      if (stop < POOL_RECORDS || copied === limit) break;
      row = 0;
    }
    this.copied = copied;
    return at;
  }

  #patch(view: DataView, shift: number, row: number, stop: number, moment: Moment): void {
    const kinds = this.#kinds;
    const lengths = this.#lengths;
    const width = kinds.length;
    const { nowMs, uptimeMs, prng } = moment;
    for (; row < stop; row++) {
      const agoMs = this.#endedAgoMs[row];
      const durationMs = this.#durationMs[row];
      const least = this.#packets[row];
      const packets = least + prng.below(least + 1);
      const recordAt = shift + this.#starts[row];
      for (let i = 0; i < width; i++) {
        const at = recordAt + this.#patchAt[row * width + i];
        switch (kinds[i]) {
          case Patch.network:
            view.setUint16(at, moment.exporter);
            break;
          case Patch.octets:
            writeUint(view, at, lengths[i], packets * this.#packetBytes[row]);
            break;
          case Patch.packets:
            writeUint(view, at, lengths[i], packets);
            break;
          case Patch.startUptime:
            view.setUint32(at, uptimeMs - agoMs - durationMs);
            break;
          case Patch.endUptime:
            view.setUint32(at, uptimeMs - agoMs);
            break;
          case Patch.startSeconds:
            view.setUint32(at, Math.floor((nowMs - agoMs - durationMs) / 1000));
            break;
          case Patch.endSeconds:
            view.setUint32(at, Math.floor((nowMs - agoMs) / 1000));
            break;
          case Patch.startMillis:
            writeUint(view, at, 8, nowMs - agoMs - durationMs);
            break;
          case Patch.endMillis:
            writeUint(view, at, 8, nowMs - agoMs);
            break;
          case Patch.startMicros:
            writeNtp(view, at, nowMs - agoMs - durationMs);
            break;
          case Patch.endMicros:
            writeNtp(view, at, nowMs - agoMs);
            break;
          case Patch.startDelta:
            view.setUint32(at, (moment.headerMs - (nowMs - agoMs - durationMs)) * 1000);
            break;
          case Patch.endDelta:
            view.setUint32(at, (moment.headerMs - (nowMs - agoMs)) * 1000);
            break;
          case Patch.bootMillis:
            writeUint(view, at, 8, moment.bootMs);
            break;
        }
      }
    }
  }
}

/** 64-bit NTP time of whole milliseconds; the lower 11 bits mean nothing and are 0 (RFC 7011 section 6.1.9). */
function writeNtp(view: DataView, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  view.setUint32(at, seconds + NTP_EPOCH_SECONDS);
  view.setUint32(at + 4, Math.floor(((ms - seconds * 1000) * 0x1_0000_0000) / 1000) & ~0x7ff);
}
