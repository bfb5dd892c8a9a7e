import { FilterError } from '../../filter/filter-error.ts';
import { parseFilter } from '../../filter/parser.ts';
import { type JsonRecord, RecordFilter } from '../../filter/record-filter.ts';
import type { Tail, TailReader } from '../../output/tail.ts';
import { HTTP_LIMITS } from './limits.ts';
import { type EventStream, integerParameter, type Request, RequestError, type StreamReply } from './reply.ts';

const MAX_COUNT = 1_000_000_000;
const LINE_END = 10;
const EVENT_START = Buffer.from('data: ');
const EVENT_END = Buffer.from('\n\n');
const EVENT_BYTES = EVENT_START.length + EVENT_END.length;

/** Decides which records a reader wants; record: one encoded record, without its line end. */
export type FlowFilter = (record: Uint8Array) => boolean;

/** The filter of a reader. Throws RequestError 400 with what is wrong with the text, and where. */
function parseFlowFilter(text: string | undefined): FlowFilter {
  if (text === undefined) return () => true;
  try {
    const filter = new RecordFilter(parseFilter(text));
    return (record) => filter.matches(JSON.parse(Buffer.from(record).toString()) as JsonRecord);
  } catch (error) {
    if (error instanceof FilterError) throw new RequestError(400, `filter: ${error.message}`);
    throw error;
  }
}

/** The clients of /flows: what they were sent, and what was lost to them because they were slow or there was too much. */
export class FlowStreams {
  sent = 0;
  lost = 0;
  readonly #tail: Tail;

  constructor(tail: Tail) {
    this.#tail = tail;
  }

  get readers(): number {
    return this.#tail.readers;
  }

  /** Server-sent events: a record each, as JSON; `lost` with a number of records; `end` after the last one. */
  open(request: Request): StreamReply {
    const wanted = parseFlowFilter(request.parameters.get('filter'));
    const limit = integerParameter(request, 'limit', 1, MAX_COUNT, Number.POSITIVE_INFINITY);
    const sample = integerParameter(request, 'sample', 1, MAX_COUNT, 1);
    if (this.#tail.readers >= HTTP_LIMITS.maxFlowReaders) {
      throw new RequestError(503, `already ${HTTP_LIMITS.maxFlowReaders} readers`);
    }
    return {
      start: (stream) => {
        const reader = new FlowReader(stream, this, wanted, limit, sample);
        this.#tail.add(reader);
        const heartbeat = setInterval(() => reader.beat(), HTTP_LIMITS.heartbeatMs);
        return () => {
          clearInterval(heartbeat);
          this.#tail.remove(reader);
        };
      },
    };
  }
}

class FlowReader implements TailReader {
  readonly #stream: EventStream;
  readonly #totals: FlowStreams;
  readonly #wanted: FlowFilter;
  readonly #sample: number;
  #left: number;
  /** Records up to the next one of the sample. */
  #untilNext = 1;
  /** Lost since the reader was last told. */
  #lost = 0;

  constructor(stream: EventStream, totals: FlowStreams, wanted: FlowFilter, limit: number, sample: number) {
    this.#stream = stream;
    this.#totals = totals;
    this.#wanted = wanted;
    this.#left = limit;
    this.#sample = sample;
  }

  take(chunk: Uint8Array, records: number): void {
    if (this.#left === 0) return;
    const room = HTTP_LIMITS.maxFlowReaderBytes - this.#stream.waiting;
    const events = Buffer.allocUnsafe(chunk.length + records * EVENT_BYTES);
    let length = 0;
    for (let start = 0; start < chunk.length && this.#left > 0; ) {
      const end = chunk.indexOf(LINE_END, start);
      const record = chunk.subarray(start, end);
      start = end + 1;
      if (!this.#wanted(record) || --this.#untilNext > 0) continue;
      this.#untilNext = this.#sample;
      if (length + record.length + EVENT_BYTES > room) {
        this.#lose(1);
        continue;
      }
      events.set(EVENT_START, length);
      events.set(record, length + EVENT_START.length);
      length += EVENT_START.length + record.length;
      events.set(EVENT_END, length);
      length += EVENT_END.length;
      this.#totals.sent++;
      this.#left--;
    }
    if (length === 0) return;
    this.#tellLost();
    this.#stream.write(events.subarray(0, length));
    if (this.#left > 0) return;
    this.#stream.write('event: end\ndata: {}\n\n');
    this.#stream.end();
  }

  passed(records: number): void {
    if (this.#left > 0) this.#lose(records);
  }

  /** Shows that the connection lives, also to whatever stands between. */
  beat(): void {
    if (this.#stream.waiting > 0) return;
    this.#tellLost();
    this.#stream.write(': alive\n\n');
  }

  #lose(records: number): void {
    this.#lost += records;
    this.#totals.lost += records;
  }

  #tellLost(): void {
    if (this.#lost === 0) return;
    this.#stream.write(`event: lost\ndata: {"records":${this.#lost}}\n\n`);
    this.#lost = 0;
  }
}
