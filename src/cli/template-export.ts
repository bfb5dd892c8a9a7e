/**
 * Exported templates and exporter state: a first line that says so, then one line of JSON for each item:
 * `{"scope":"ipfix/192.0.2.1/0/7","item":"template/256","announcedAtMs":1700000000000,"value":"<base64>"}`. Times are
 * milliseconds since the Unix epoch.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { type Clock, systemClock } from '../base/clock.ts';
import { MillraceError } from '../base/errors.ts';
import type { StoredItem } from '../templates/store.ts';
import { STORE_LIMITS } from '../templates/store.ts';
import { decodeValue } from '../templates/stored-value.ts';

const HEADER = JSON.stringify({ millrace: 'templates', version: 1 });

const lineSchema = z.strictObject({
  scope: z.string().min(1).max(STORE_LIMITS.maxScopeNameBytes),
  item: z.string().min(1).max(STORE_LIMITS.maxItemNameBytes),
  announcedAtMs: z.number().nonnegative(),
  value: z.base64().max(Math.ceil(STORE_LIMITS.maxValueBytes / 3) * 4),
});

export function* exportLines(
  content: ReadonlyMap<string, readonly StoredItem[]>,
  clock: Clock = systemClock,
): Generator<string> {
  const nowMs = clock.wallMs();
  yield `${HEADER}\n`;
  for (const [scope, items] of content) {
    for (const { item, value, idleMs } of items) {
      const line = {
        scope,
        item,
        announcedAtMs: Math.round(nowMs - idleMs),
        value: Buffer.from(value).toString('base64'),
      };
      yield `${JSON.stringify(line)}\n`;
    }
  }
}

/** Whether import takes a value: it is sound, or of a later release. */
export function isExportable(scope: string, { item, value }: StoredItem): boolean {
  const decoded = decodeValue(scope, item, value);
  return typeof decoded !== 'string' || decoded === 'newer-version';
}

/** The items of an exported file. Throws MillraceError INPUT_FAILED, with the number of the line. */
export async function* readExport(
  file: string,
  clock: Clock = systemClock,
): AsyncGenerator<{ scope: string; stored: StoredItem }> {
  const input = file === '-' ? process.stdin : createReadStream(file);
  // An error before the first line would be nobody's.
  const failed = new Promise<never>((_, reject) => input.once('error', reject));
  failed.catch(() => {});
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]();
  for (let number = 1; ; number++) {
    const next = await Promise.race([lines.next(), failed]);
    const wrong = (what: string): MillraceError =>
      new MillraceError('INPUT_FAILED', `${file === '-' ? 'standard input' : file}, line ${number}: ${what}`);
    if (number === 1 && next.value !== HEADER) throw wrong('this is no file of millrace templates export');
    if (next.done) return;
    if (number > 1) yield itemOf(next.value, clock.wallMs(), wrong);
  }
}

function itemOf(
  line: string,
  nowMs: number,
  wrong: (what: string) => MillraceError,
): { scope: string; stored: StoredItem } {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw wrong('no JSON');
  }
  const parsed = lineSchema.safeParse(json);
  if (!parsed.success) throw wrong('not of the form {"scope", "item", "announcedAtMs", "value"}');
  const { scope, item, announcedAtMs, value: text } = parsed.data;
  const value = new Uint8Array(Buffer.from(text, 'base64'));
  const stored = { item, value, idleMs: Math.max(0, nowMs - announcedAtMs) };
  if (!isExportable(scope, stored)) throw wrong('the value is damaged or of another item');
  return { scope, stored };
}
