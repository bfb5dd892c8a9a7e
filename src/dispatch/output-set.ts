import { isDeepStrictEqual } from 'node:util';
import type { OutputAccount } from '../accounting/ledger.ts';
import type { Encoding } from '../output/encoder.ts';
import { openSink, type SinkSetting } from '../output/open-sink.ts';
import type { OutputSpec } from '../output/output-uri.ts';
import type { Sink } from '../output/sink.ts';
import type { Tail } from '../output/tail.ts';
import type { Destinations, PipelineOutput } from './route.ts';

interface Member extends PipelineOutput {
  readonly spec: OutputSpec;
}

/** Outputs that are open and not yet in use. */
export interface OutputChange {
  /** What decode threads have to make for them and for a tail; the same array as before when that is the same. */
  readonly encodings: readonly Encoding[];
  /** Puts them to use. */
  commit(): Destinations;
  /** Closes what was opened for them. */
  abandon(): Promise<void>;
}

/** What a tail shows. */
const TAIL_ENCODING: Encoding = { format: 'ndjson', schema: 'millrace', options: false };

/** The outputs of a collector, which may change while it runs. */
export class OutputSet {
  readonly #setting: SinkSetting;
  readonly #tail: Tail | null;
  #members: readonly Member[] = [];
  /** They still count, and their last records may still be on their way. */
  readonly #removed: Member[] = [];
  #encodings: readonly Encoding[] = [];

  constructor(setting: SinkSetting, tail: Tail | null) {
    this.#setting = setting;
    this.#tail = tail;
  }

  /** Opens those that are not open yet. Rejects with MillraceError OUTPUT_FAILED, and then nothing was opened. */
  async prepare(specs: readonly OutputSpec[]): Promise<OutputChange> {
    const spare = [...this.#members];
    const opened: Member[] = [];
    const members: Member[] = [];
    const abandon = async () => void (await Promise.all(opened.map(({ sink }) => sink.close())));
    try {
      for (const spec of specs) {
        const at = spare.findIndex((member) => isDeepStrictEqual(member.spec, spec));
        if (at < 0) opened.push({ spec, sink: await openSink(spec, this.#setting), encoding: 0, encoded: 0 });
        members.push(at < 0 ? opened.at(-1)! : spare.splice(at, 1)[0]);
      }
    } catch (error) {
      await abandon();
      throw error;
    }
    const encodings = this.#encodingsOf(specs);
    const commit = (): Destinations => {
      for (const member of members) member.encoding = indexOf(encodings, member.spec.encoding);
      this.#members = members;
      this.#encodings = encodings;
      this.#removed.push(...spare);
      const tail = this.#tail && { tail: this.#tail, encoding: indexOf(encodings, TAIL_ENCODING) };
      return { outputs: members, tail };
    };
    return { encodings, commit, abandon };
  }

  /** Closes those that are not wanted any more, when nothing is on its way to them: behind what they were given. */
  closeRemoved(): void {
    for (const { sink } of this.#removed) void sink.close();
  }

  /** Starts new files in the outputs that have files. */
  rotate(): void {
    for (const { sink } of this.#members) sink.rotate();
  }

  /** Closes all of them when what they were given is written. */
  async close(): Promise<void> {
    await Promise.all([...this.#removed, ...this.#members].map(({ sink }) => sink.close()));
  }

  get sinks(): Sink[] {
    return this.#members.map(({ sink }) => sink);
  }

  /** Trouble of outputs, one line each. */
  get troubles(): string[] {
    return this.#members.flatMap(({ sink }) =>
      sink.trouble === null ? [] : [`${sink.name} ${sink.trouble}`],
    );
  }

  /** One for each name, also of outputs that are closed. */
  get accounts(): OutputAccount[] {
    const accounts = new Map<string, OutputAccount>();
    for (const { sink, encoded } of [...this.#removed, ...this.#members]) {
      const other = accounts.get(sink.name);
      accounts.set(sink.name, {
        output: sink.name,
        encoded: encoded + (other?.encoded ?? 0),
        written: sink.counts.written + (other?.written ?? 0),
        dropped_queue_full: sink.counts.droppedQueueFull + (other?.dropped_queue_full ?? 0),
        dropped_failed: sink.counts.droppedFailed + (other?.dropped_failed ?? 0),
      });
    }
    return [...accounts.values()];
  }

  #encodingsOf(specs: readonly OutputSpec[]): readonly Encoding[] {
    const wanted: Encoding[] = [];
    const all = specs.map(({ encoding }) => encoding);
    if (this.#tail !== null) all.push(TAIL_ENCODING);
    for (const encoding of all) if (indexOf(wanted, encoding) < 0) wanted.push(encoding);
    const same =
      wanted.length === this.#encodings.length && wanted.every((each) => indexOf(this.#encodings, each) >= 0);
    return same ? this.#encodings : wanted;
  }
}

function indexOf(encodings: readonly Encoding[], encoding: Encoding): number {
  return encodings.findIndex((other) => isDeepStrictEqual(other, encoding));
}
