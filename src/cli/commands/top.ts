import { setTimeout } from 'node:timers/promises';
import type { OptionValues } from '../../config/options.ts';
import type { ExportersDocument } from '../../ops/exporters.ts';
import type { HistoryDocument, Sample } from '../../ops/history.ts';
import type { StatusDocument } from '../../ops/operations.ts';
import { ExitCode } from '../errors.ts';
import { CollectorClient } from '../http-client.ts';
import { Stop } from '../stop.ts';
import { tokenOf } from '../token.ts';
import { terminalSize, topLines } from '../top-view.ts';

const INTERVAL_MS = 2_000;
const MOST_EXPORTERS = 200;
/** Where there is no terminal to ask. */
const PLAIN_COLUMNS = 140;

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Shows a running collector until q is pressed; once where there is no terminal. Returns the exit code. */
export async function top(values: OptionValues<'top'>): Promise<number> {
  const stop = new Stop();
  const client = new CollectorClient(values.url, await tokenOf(values));
  const screen = process.stdout;
  const history = await client.document<HistoryDocument>('/history', ['samples'], stop.signal);
  let earlier = history.samples.at(-1) ?? null;
  let [status, exporters] = await ask(client, stop.signal);
  if (screen.isTTY !== true) {
    const lines = topLines(client.url, status, earlier, exporters, PLAIN_COLUMNS);
    screen.write(`${lines.join('\n')}\n`);
    return ExitCode.ok;
  }
  const draw = (): void => {
    const { columns, rows } = terminalSize(screen);
    show(topLines(client.url, status, earlier, exporters, columns), rows);
  };
  screen.write(ENTER);
  screen.on('resize', draw);
  const release = watchKeys(stop);
  try {
    for (;;) {
      draw();
      await setTimeout(INTERVAL_MS, undefined, { signal: stop.signal }).catch(() => {});
      if (stop.requested) return ExitCode.ok;
      const before: Sample = status.sample;
      [status, exporters] = await ask(client, stop.signal);
      earlier = before;
    }
  } catch (error) {
    if (!stop.requested) throw error;
    return ExitCode.ok;
  } finally {
    release();
    screen.off('resize', draw);
    screen.write(LEAVE);
  }
}

function ask(client: CollectorClient, signal: AbortSignal): Promise<[StatusDocument, ExportersDocument]> {
  return Promise.all([
    client.document<StatusDocument>('/status', ['ledger', 'parts', 'sample'], signal),
    client.document<ExportersDocument>(`/exporters?limit=${MOST_EXPORTERS}`, ['exporters'], signal),
  ]);
}

/** Over what was there before, in one write, so that nothing flickers. */
function show(lines: readonly string[], rows: number): void {
  const visible = lines.slice(0, rows - 1);
  process.stdout.write(HOME + visible.map((line) => `${line}${CLEAR_LINE}\r\n`).join('') + CLEAR_BELOW);
}

/** q and Ctrl-C end; returns what gives the keyboard back. */
function watchKeys(stop: Stop): () => void {
  const keys = process.stdin;
  if (keys.isTTY !== true) return () => {};
  keys.setRawMode(true);
  keys.on('data', (key: Buffer) => {
    if (['q', 'Q', '\u0003'].includes(key.toString())) stop.request();
  });
  return () => {
    keys.setRawMode(false);
    keys.pause();
  };
}
