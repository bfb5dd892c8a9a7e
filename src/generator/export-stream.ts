import { type GeneratorOptions, V5_MAX_RECORDS, V7_MAX_RECORDS } from './generator-options.ts';
import { MessageWriter } from './message-writer.ts';
import { type OptionsGroup, optionsGroups, samplingInterval } from './options-data.ts';
import { Prng } from './prng.ts';
import { MAX_RECORD_BYTES, type Moment, RecordPool } from './record-pool.ts';
import { shapeFields, shapeKey, specifiers } from './template-data.ts';

/** What the streams of a simulation have in common: the buffer that datagrams are written to, field lists and options. */
export class StreamContext {
  readonly options: GeneratorOptions;
  readonly writer: MessageWriter;
  readonly #shapes: Shape[] = [];
  readonly #groups = new Map<number, readonly OptionsGroup[]>();

  constructor(options: GeneratorOptions) {
    this.options = options;
    const fixed = options.version < 9 ? FIXED_HEADER_BYTES + V7_MAX_RECORDS * V7_RECORD_BYTES : 0;
    this.writer = new MessageWriter(Math.max(options.maxDatagramBytes, fixed));
  }

  shape(place: number, redefinitions: number): Shape {
    const key = shapeKey(this.options.version, place, redefinitions);
    return (this.#shapes[key] ??= this.#makeShape(key));
  }

  /** Options of an exporter: none, or one list for all exporters that sample alike. */
  groups(exporter: number): readonly OptionsGroup[] {
    const { version, options } = this.options;
    if (!options || (version !== 9 && version !== 10)) return [];
    const interval = samplingInterval(exporter);
    let groups = this.#groups.get(interval);
    if (groups === undefined) this.#groups.set(interval, (groups = optionsGroups(version, interval)));
    return groups;
  }

  #makeShape(key: number): Shape {
    const { version, seed, options } = this.options;
    const fields = shapeFields(version, key);
    const octets = specifiers(fields);
    const template = new Uint8Array(4 + octets.length);
    new DataView(template.buffer).setUint16(2, fields.length);
    template.set(octets, 4);
    return { template, pool: new RecordPool(fields, seed, POOL_STREAMS + key, options) };
  }
}

/** A field list: its template record, with the id left open, and its records. */
interface Shape {
  readonly template: Uint8Array;
  readonly pool: RecordPool;
}

const FIXED_HEADER_BYTES = 24;
const V5_RECORD_BYTES = 48;
const V7_RECORD_BYTES = 52;
const V9_HEADER_BYTES = 20;
const IPFIX_HEADER_BYTES = 16;
const FIRST_TEMPLATE_ID = 256;
/** Data sets of a datagram when there are several templates. */
const MAX_DATA_SETS = 3;
/** Room for a set header, its longest record and padding. */
const SET_SHARE_BYTES = MAX_RECORD_BYTES + 8;

/** Numbers of random streams: exporters have two each, from 0 on. */
const POOL_STREAMS = 0x4000_0000;
const UPTIME_LEAST_MS = 3_600_000;
const UPTIME_SPREAD_MS = 40 * 86_400_000 - UPTIME_LEAST_MS;

/**
 * One exporter: its clock, its sequence, its templates. Writes one datagram after another to the buffer of the context,
 * each complete and in order; what becomes of it is decided elsewhere.
 */
export class ExportStream {
  readonly index: number;
  /** Chance that decides what happens to the datagrams, apart from what is in them. */
  readonly fate: Prng;
  /** Octets, data records and options records of the last datagram. */
  length = 0;
  records = 0;
  optionsRecords = 0;
  readonly #context: StreamContext;
  readonly #moment: Moment;
  readonly #groups: readonly OptionsGroup[];
  /** Templates, options templates and options records, the entries of a refresh. */
  readonly #entryCount: number;
  #sequence: number;
  #made = 0;
  /** Next entry of the refresh that is under way. */
  #entry: number;
  #nextRefresh = 0;
  /** Templates that may be used: the first so many. */
  #announced = 0;
  /** Template of the next data set. */
  #cursor = 0;
  #redefinitions: Uint32Array | undefined;

  constructor(index: number, context: StreamContext) {
    const { seed, startMs, firstSequence, templates } = context.options;
    this.index = index;
    this.#context = context;
    this.fate = new Prng(seed, 2 * index + 1);
    const prng = new Prng(seed, 2 * index);
    const bootMs = Math.floor(startMs) - UPTIME_LEAST_MS - prng.below(UPTIME_SPREAD_MS);
    this.#moment = { nowMs: 0, headerMs: 0, uptimeMs: 0, bootMs, exporter: index, prng };
    this.#groups = context.groups(index);
    this.#sequence = firstSequence;
    let entries = templates + this.#groups.length;
    for (const { records } of this.#groups) entries += records.length;
    this.#entryCount = entries;
    this.#entry = entries;
  }

  /** Writes the next datagram of this exporter, exported at the given virtual time in ms. */
  make(timeMs: number): void {
    const moment = this.#moment;
    moment.nowMs = Math.floor(timeMs);
    moment.headerMs = moment.nowMs - (moment.nowMs % 1000);
    moment.uptimeMs = (moment.nowMs - moment.bootMs) % 0x1_0000_0000;
    this.records = 0;
    this.optionsRecords = 0;
    if (this.#context.options.version < 9) this.#makeFixed();
    else this.#makeOfSets();
    this.#made++;
  }

  #makeFixed(): void {
    const { options, writer } = this.#context;
    const { bytes, view } = writer;
    const { nowMs, headerMs, uptimeMs, prng } = this.#moment;
    const v5 = options.version === 5;
    const recordBytes = v5 ? V5_RECORD_BYTES : V7_RECORD_BYTES;
    const fitting = Math.floor((options.maxDatagramBytes - FIXED_HEADER_BYTES) / recordBytes);
    const count = options.recordsPerDatagram ?? Math.min(fitting, v5 ? V5_MAX_RECORDS : V7_MAX_RECORDS);
    view.setUint16(0, options.version);
    view.setUint16(2, count);
    view.setUint32(4, uptimeMs);
    view.setUint32(8, headerMs / 1000);
    view.setUint32(12, (nowMs - headerMs) * 1_000_000);
    view.setUint32(16, this.#sequence);
    // v5: engine type and id; v7 has four reserved octets here.
    view.setUint16(20, v5 ? this.index + 1 : 0);
    // Mode 1, one in so many packets, and an interval of 14 bits.
    view.setUint16(22, v5 && options.options ? (1 << 14) | samplingInterval(this.index) : 0);
    const { pool } = this.#context.shape(0, 0);
    const from = prng.below(pool.size);
    const end = FIXED_HEADER_BYTES + count * recordBytes;
    this.length = pool.copy(bytes, view, FIXED_HEADER_BYTES, end, count, from, this.#moment);
    this.records = count;
    this.#advance(count);
  }

  #makeOfSets(): void {
    const { options, writer } = this.#context;
    const { view } = writer;
    const v9 = options.version === 9;
    const headerBytes = v9 ? V9_HEADER_BYTES : IPFIX_HEADER_BYTES;
    writer.begin(headerBytes);
    const redefined = this.#redefine();
    const entries = this.#announce(redefined, headerBytes + ((writer.end - headerBytes) >> 1));
    this.#writeData(redefined < 0 ? this.#cursor : redefined);
    this.length = writer.at;

    view.setUint16(0, options.version);
    let at = 4;
    if (v9) {
      view.setUint16(2, entries + this.records);
      view.setUint32(at, this.#moment.uptimeMs);
      at += 4;
    } else {
      view.setUint16(2, this.length);
    }
    view.setUint32(at, this.#moment.headerMs / 1000);
    view.setUint32(at + 4, this.#sequence);
    view.setUint32(at + 8, this.index + 1);
    this.#advance(v9 ? 1 : this.records + this.optionsRecords);
  }

  #advance(count: number): void {
    this.#sequence = (this.#sequence + count) % 0x1_0000_0000;
  }

  /** Gives one of the announced templates another definition when it is time to. Returns its place, or -1. */
  #redefine(): number {
    const { redefine, templates } = this.#context.options;
    if (redefine === 0 || this.#made === 0 || this.#made % redefine !== 0) return -1;
    const place = (this.#made / redefine - 1) % this.#announced;
    this.#redefinitions ??= new Uint32Array(templates);
    this.#redefinitions[place]++;
    return place;
  }

  #definition(place: number): Shape {
    return this.#context.shape(place, this.#redefinitions === undefined ? 0 : this.#redefinitions[place]);
  }

  /**
   * Sends the template that was defined anew and as many entries of a refresh as fit before `end`, in sets of their own.
   * Returns their number.
   */
  #announce(redefined: number, end: number): number {
    if (this.#made >= this.#nextRefresh && this.#entry === this.#entryCount) {
      this.#entry = 0;
      this.#nextRefresh = this.#made + this.#context.options.templateEvery;
    }
    const { writer } = this.#context;
    let sent = 0;
    if (redefined >= 0) {
      this.#putTemplate(redefined, writer.end);
      sent++;
    }
    while (this.#entry < this.#entryCount) {
      if (this.#entry !== redefined) {
        if (!this.#putEntry(this.#entry, end)) break;
        sent++;
      }
      this.#entry++;
    }
    writer.closeSet();
    return sent;
  }

  #putEntry(entry: number, end: number): boolean {
    const { templates, version } = this.#context.options;
    if (entry < templates) {
      if (!this.#putTemplate(entry, end)) return false;
      this.#announced = Math.max(this.#announced, entry + 1);
      return true;
    }
    entry -= templates;
    const firstId = FIRST_TEMPLATE_ID + templates;
    const groups = this.#groups;
    if (entry < groups.length) {
      return this.#put(version === 9 ? 1 : 3, groups[entry].template, firstId + entry, end);
    }
    entry -= groups.length;
    let i = 0;
    while (entry >= groups[i].records.length) entry -= groups[i++].records.length;
    if (!this.#put(firstId + i, groups[i].records[entry], -1, end)) return false;
    this.optionsRecords++;
    return true;
  }

  #putTemplate(place: number, end: number): boolean {
    const setId = this.#context.options.version === 9 ? 0 : 2;
    return this.#put(setId, this.#definition(place).template, FIRST_TEMPLATE_ID + place, end);
  }

  /** Appends a record to the set of that id, with the template id in its first octets unless that is negative. */
  #put(setId: number, record: Uint8Array, templateId: number, end: number): boolean {
    const { writer } = this.#context;
    if (writer.at + writer.needed(setId, record.length) > end) return false;
    writer.openSet(setId);
    writer.put(record);
    if (templateId >= 0) writer.view.setUint16(writer.at - record.length, templateId);
    return true;
  }

  /** Fills the rest of the datagram with data sets, the first of the given template. */
  #writeData(place: number): void {
    const { options, writer } = this.#context;
    const { bytes, view, end } = writer;
    const { prng } = this.#moment;
    const limit = options.recordsPerDatagram ?? 0xffff;
    let sets = 1;
    if (this.#announced > 1) {
      const wanted = 1 + prng.below(MAX_DATA_SETS);
      const room = Math.floor((end - writer.at) / SET_SHARE_BYTES);
      sets = Math.max(1, Math.min(wanted, this.#announced, room, limit));
    }
    for (; sets > 0; sets--) {
      const shareEnd = writer.at + (Math.floor((end - writer.at) / sets) & ~3);
      const share = Math.ceil((limit - this.records) / sets);
      const { pool } = this.#definition(place);
      writer.openSet(FIRST_TEMPLATE_ID + place);
      writer.at = pool.copy(bytes, view, writer.at, shareEnd, share, prng.below(pool.size), this.#moment);
      this.records += pool.copied;
      writer.closeSet();
      place = (place + 1) % this.#announced;
    }
    this.#cursor = place;
  }
}
