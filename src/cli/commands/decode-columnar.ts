import type { OutputAccount } from '../../accounting/ledger.ts';
import { MillraceError } from '../../base/errors.ts';
import type { OptionValues } from '../../config/options.ts';
import type { Encoding } from '../../output/encoder.ts';
import { openSink } from '../../output/open-sink.ts';
import type { OutputSpec } from '../../output/output-uri.ts';
import type { Sink } from '../../output/sink.ts';
import { ColumnarError } from '../../receive/columnar/body-cursor.ts';
import { ColumnarFile, type ColumnarFileStats } from '../../receive/columnar/columnar-file.ts';
import type { ColumnarFrame } from '../../receive/columnar/frame.ts';
import { FrameEncoder } from '../../receive/columnar/frame-encoder.ts';
import { complain, ExitCode, say, usageError } from '../errors.ts';
import { checkLedgerFile, writeLedgerFile } from '../ledger-file.ts';
import { realTroubles, resolveOutputs, showsFlows } from '../outputs.ts';
import { startProgress } from '../progress.ts';
import type { Stop } from '../stop.ts';
import { countText } from '../text.ts';

type Values = OptionValues<'decode'>;

const TROUBLE_CHECK_MS = 200;

/** Writes the records of columnar files in another format, one file after another. Returns the exit code. */
export async function decodeColumnar(files: readonly string[], values: Values, stop: Stop): Promise<number> {
  if (values.filter !== undefined) {
    throw usageError(
      `--filter ${JSON.stringify(values.filter)}: allowed for captures, not for columnar files`,
    );
  }
  const specs = resolveOutputs({ ...values, options: values.writeOptions });
  const outputs = await openOutputs(specs, values, stop);
  const showBar = !values.quiet && !showsFlows(specs);
  const inputs: (ColumnarFileStats & { file: string })[] = [];
  let failed = false;
  for (const file of files) {
    if (stop.requested) break;
    const { stats, error } = await writeFile(file, outputs, stop, showBar);
    if (stats !== null) inputs.push({ file, ...stats });
    if (error !== null) complain(error.message);
    failed ||= error !== null;
  }
  for (const { sink } of outputs) await sink.close();
  const troubles = outputs.flatMap((output) => output.troubles);
  const [trouble] = realTroubles(troubles);
  if (trouble !== undefined) complain(trouble);
  await writeLedgerFile(values.ledger, { inputs, outputs: outputs.map((output) => output.account) });
  const readerGone = troubles.length > 0 && trouble === undefined;
  if (!values.quiet && !readerGone && inputs.length > 0) say(summary(inputs));
  return failed || trouble !== undefined ? ExitCode.failed : stop.exitCode;
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
  readonly #encoding: Encoding;
  readonly #encoder: FrameEncoder;
  #encoded = 0;

  constructor(sink: Sink, encoding: Encoding) {
    if (encoding.format === 'columnar') throw new TypeError('frames are not written as frames');
    this.sink = sink;
    this.#encoding = encoding;
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

  /** Whether the frame holds records of the schema that is wanted: names cannot be turned into those of the other one. */
  suits({ schema }: ColumnarFrame): boolean {
    return schema.schema === this.#encoding.schema;
  }

  write(frame: ColumnarFrame): void {
    const records = this.#encoder.encode(frame);
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

/** Writes all of a file, or as much as is wanted. */
async function writeFile(
  name: string,
  outputs: readonly Output[],
  stop: Stop,
  showBar: boolean,
): Promise<{ stats: ColumnarFileStats | null; error: MillraceError | null }> {
  let stats: ColumnarFileStats | null = null;
  try {
    const file = await ColumnarFile.open(name);
    stats = file.stats;
    const progress = startProgress(showBar, stats.bytesTotal, 'bytes');
    const close = (): void => void file.close();
    stop.signal.addEventListener('abort', close);
    try {
      for await (const frame of file.frames()) {
        for (const output of outputs) {
          if (!output.suits(frame)) throw otherSchema(name, frame);
          output.write(frame);
          await output.room(stop);
        }
        progress.update(stats.bytesRead);
        if (stop.requested) break;
      }
    } finally {
      stop.signal.removeEventListener('abort', close);
      progress.stop();
    }
    return { stats, error: null };
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    // What is cut short by the end of the run is no trouble.
    if (error instanceof ColumnarError && stop.requested) return { stats, error: null };
    return { stats, error: error instanceof ColumnarError ? named(name, error) : error };
  }
}

function named(name: string, cause: ColumnarError): MillraceError {
  const file = name === '-' ? 'standard input' : name;
  return new MillraceError('INPUT_FAILED', `cannot read ${file}: ${cause.message}`, { cause });
}

function otherSchema(name: string, { schema }: ColumnarFrame): MillraceError {
  const file = name === '-' ? 'standard input' : name;
  return new MillraceError(
    'INPUT_FAILED',
    `cannot write ${file}: it has records of schema ${schema.schema}; --schema ${schema.schema} writes them`,
  );
}

function summary(inputs: readonly ColumnarFileStats[]): string {
  const sum = (pick: (stats: ColumnarFileStats) => number): number =>
    inputs.reduce((n, stats) => n + pick(stats), 0);
  return [
    countText(
      sum(({ frames }) => frames),
      'frame',
    ),
    countText(
      sum(({ flows }) => flows),
      'flow',
    ),
    countText(
      sum(({ optionsRecords }) => optionsRecords),
      'options record',
    ),
  ].join(', ');
}
