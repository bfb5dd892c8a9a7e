import type { CounterName, OutputAccount } from '../../accounting/ledger.ts';
import { countText } from '../../base/count-text.ts';
import { MillraceError } from '../../base/errors.ts';
import { readElements } from '../../config/element-file.ts';
import type { OptionValues } from '../../config/options.ts';
import { elementsWith } from '../../elements/registry.ts';
import type { Encoding, Schema } from '../../output/encoder.ts';
import { openSink } from '../../output/open-sink.ts';
import type { OutputSpec } from '../../output/output-uri.ts';
import type { Sink } from '../../output/sink.ts';
import { ColumnarError } from '../../receive/columnar/body-cursor.ts';
import { ColumnarFile, type ColumnarFileStats, flowsIn } from '../../receive/columnar/columnar-file.ts';
import type { ColumnarFrame } from '../../receive/columnar/frame.ts';
import { FrameEncoder } from '../../receive/columnar/frame-encoder.ts';
import { FrameFilter, FrameFilterError } from '../../receive/columnar/frame-filter.ts';
import { type FrameView, FrameViews } from '../../receive/columnar/frame-view.ts';
import { finishDecoding, readFiles } from '../decode-files.ts';
import { usageError } from '../errors.ts';
import { filterOf } from '../filter-option.ts';
import { checkLedgerFile } from '../ledger-file.ts';
import { resolveOutputs, showsFlows } from '../outputs.ts';
import type { Stop } from '../stop.ts';

type Values = OptionValues<'decode'>;

const TROUBLE_CHECK_MS = 200;

/** Writes the records of columnar files in another format, one file after another. Returns the exit code. */
export async function decodeColumnar(files: readonly string[], values: Values, stop: Stop): Promise<number> {
  const filter = filterOf(values.filter);
  const elements = elementsWith(await readElements(values.elements));
  const specs = resolveOutputs({ ...values, options: values.writeOptions });
  const outputs = await openOutputs(specs, values, stop);
  const rewriter = new Rewriter(outputs, filter && new FrameFilter(filter, elements), stop);
  const showBar = !values.quiet && !showsFlows(specs);
  const read = await readFiles(files, stop, showBar, ColumnarFile.open, (input, onProgress, file) =>
    rewriter.write(input, onProgress, file),
  );
  for (const { sink } of outputs) await sink.close();
  const troubles = outputs.flatMap((output) => output.troubles);
  const { counters } = rewriter;
  const report = { counters, outputs: outputs.map((output) => output.account) };
  return finishDecoding(values, read, troubles, report, summary(read.inputs, counters), stop);
}

async function openOutputs(specs: readonly OutputSpec[], values: Values, stop: Stop): Promise<Output[]> {
  for (const { name, encoding } of specs) {
    if (encoding.format !== 'columnar') continue;
    throw usageError(
      `--output ${JSON.stringify(name)}: format columnar; allowed for columnar files are ndjson, text and msgpack`,
    );
  }
  await checkLedgerFile(values.ledger);
  const outputs: Output[] = [];
  try {
    for (const spec of specs) {
      const sink = await openSink(spec, { whenFull: 'wait', onClosed: () => stop.request() });
      outputs.push(new Output(sink, spec.encoding));
    }
    return outputs;
  } catch (error) {
    for (const { sink } of outputs) await sink.close();
    throw error;
  }
}

/** A sink with what turns frames into its format. */
class Output {
  readonly sink: Sink;
  readonly schema: Schema;
  readonly #encoder: FrameEncoder;
  #encoded = 0;

  constructor(sink: Sink, encoding: Encoding) {
    if (encoding.format === 'columnar') throw new TypeError('frames are not written as frames');
    this.sink = sink;
    this.schema = encoding.schema;
    this.#encoder = new FrameEncoder(encoding.format, encoding.options);
  }

  get troubles(): string[] {
    const { name, trouble } = this.sink;
    return trouble === null ? [] : [`${name} ${trouble}`];
  }

  get account(): OutputAccount {
    const { name, counts } = this.sink;
    return {
      output: name,
      encoded: this.#encoded,
      written: counts.written,
      dropped_queue_full: counts.droppedQueueFull,
      dropped_failed: counts.droppedFailed,
    };
  }

  write(view: FrameView): void {
    const records = this.#encoder.encode(view);
    if (records === 0) return;
    this.#encoded += records;
    this.sink.write(this.#encoder.take(), records);
  }

  /** Waits while the sink has more than it should; ends the run when it fails, which would last for ever. */
  async room(stop: Stop): Promise<void> {
    while (!this.sink.ready && !stop.requested) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, TROUBLE_CHECK_MS);
        this.sink.onReady = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      if (this.troubles.length > 0) stop.request();
    }
  }
}

type Counters = Pick<
  Record<CounterName, number>,
  'records_decoded' | 'records_encoded' | 'records_filtered' | 'records_options_decoded'
>;

/** Writes files to the outputs, and counts as the ledger of a collector does. */
class Rewriter {
  readonly counters: Counters = {
    records_decoded: 0,
    records_encoded: 0,
    records_filtered: 0,
    records_options_decoded: 0,
  };
  readonly #outputs: readonly Output[];
  readonly #filter: FrameFilter | undefined;
  readonly #stop: Stop;
  readonly #views = new FrameViews();

  constructor(outputs: readonly Output[], filter: FrameFilter | undefined, stop: Stop) {
    this.#outputs = outputs;
    this.#filter = filter;
    this.#stop = stop;
  }

  /** Writes all of a file, or as much as is wanted. */
  async write(file: ColumnarFile, onProgress: () => void, path: string): Promise<void> {
    const name = path === '-' ? 'standard input' : path;
    try {
      for await (const frame of file.frames()) {
        const view = this.#load(frame, name);
        for (const output of this.#outputs) {
          output.write(view);
          await output.room(this.#stop);
        }
        onProgress();
        if (this.#stop.requested) break;
      }
    } catch (error) {
      if (error instanceof FrameFilterError) throw failure(`cannot filter ${name}`, error);
      if (error instanceof ColumnarError) throw failure(`cannot read ${name}`, error);
      throw error;
    }
  }

  /** What the outputs get of a frame. */
  #load(frame: ColumnarFrame, name: string): FrameView {
    const { schema } = frame.schema;
    // Names cannot be turned into those of the other schema.
    if (this.#outputs.some((output) => output.schema !== schema)) {
      const reason = `it has records of schema ${schema}; --schema ${schema} writes them`;
      throw new MillraceError('INPUT_FAILED', `cannot write ${name}: ${reason}`);
    }
    const view = this.#views.load(frame);
    const filtered = this.#filter?.apply(view) ?? 0;
    const flows = flowsIn(frame);
    const { counters } = this;
    counters.records_decoded += flows;
    counters.records_filtered += filtered;
    counters.records_encoded += flows - filtered;
    counters.records_options_decoded += frame.rows - flows;
    return view;
  }
}

function failure(what: string, cause: MillraceError): MillraceError {
  return new MillraceError('INPUT_FAILED', `${what}: ${cause.message}`, { cause });
}

function summary(inputs: readonly ColumnarFileStats[], { records_filtered: filtered }: Counters): string {
  const parts = (['frames', 'flows', 'optionsRecords'] as const).map((name, i) => {
    const count = inputs.reduce((sum, stats) => sum + stats[name], 0);
    return countText(count, ['frame', 'flow', 'options record'][i]);
  });
  return (
    parts.join(', ') + (filtered === 0 ? '' : `; ${countText(filtered, 'flow', ' left out by the filter')}`)
  );
}
