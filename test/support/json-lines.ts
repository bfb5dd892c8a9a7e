import assert from 'node:assert/strict';

/** The values of NDJSON text, of which every line is ended. */
// biome-ignore lint/suspicious/noExplicitAny: tests say what they expect in what they assert.
export function jsonLines<T = any>(text: string): T[] {
  const lines = text.split('\n');
  assert.equal(lines.pop(), '', 'the last line is not ended');
  return lines.map((line) => JSON.parse(line) as T);
}
