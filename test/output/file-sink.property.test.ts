import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import fc from '../support/fast-check.ts';
import type { Operation } from './file-faults.ts';
import { until } from './manual-time.ts';
import { FileSinkFixture, given } from './sink-fixture.ts';

const FAILING: readonly Operation[] = [
  'writev',
  'truncate',
  'sync',
  'link',
  'open',
  'unlink',
  'close',
  'mkdir',
];

type Step =
  | { kind: 'write'; records: number }
  | { kind: 'advance'; ms: number }
  | { kind: 'rotate' }
  | { kind: 'turns'; turns: number }
  | { kind: 'faults'; operations: readonly Operation[]; room: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), records: fc.integer({ min: 1, max: 30 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(40_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rotate' as const) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('turns' as const), turns: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('faults' as const),
      operations: fc.subarray([...FAILING], { maxLength: 3 }),
      room: fc.nat(200),
    }),
  },
);

/** Whole lines of the text, and whether the text ends with one. */
function lines(text: string): { whole: string[]; clean: boolean } {
  const parts = text.split('\n');
  return { clean: parts.pop() === '', whole: parts };
}

for (const compress of ['none', 'gzip'] as const) {
  test(`whatever fails and when, records are accounted for and final files are whole: ${compress}`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, recovers) => {
        const directory = mkdtempSync(join(tmpdir(), 'millrace-output-'));
        try {
          await run(directory, compress, steps, recovers);
        } finally {
          rmSync(directory, { recursive: true, force: true });
        }
      }),
      { numRuns: 150 },
    );
  });
}

async function run(
  directory: string,
  compress: string,
  steps: readonly Step[],
  recovers: boolean,
): Promise<void> {
  const fixture = new FileSinkFixture(directory, `flows-%H%M.ndjson?rotate=1m&compress=${compress}`, {
    queueBytes: 1000,
  });
  const { sink, time, faults } = fixture;
  await sink.open();
  let count = 0;
  for (const step of steps) {
    if (step.kind === 'write') {
      const texts = Array.from({ length: step.records }, () => `record ${count++}\n`);
      sink.write(Buffer.from(texts.join('')), step.records);
    } else if (step.kind === 'advance') time.advance(step.ms);
    else if (step.kind === 'rotate') sink.rotate();
    else if (step.kind === 'turns') for (let i = 0; i < step.turns; i++) await nextTurn();
    else {
      faults.fault = (operation) => (step.operations.includes(operation) ? 'ENOSPC' : null);
      let { room } = step;
      faults.takes = () => {
        if (!step.operations.includes('writev')) return Number.POSITIVE_INFINITY;
        const taken = room;
        room = 0;
        return taken;
      };
    }
    assert.equal(given(sink), count);
  }
  if (recovers) {
    faults.fault = () => null;
    faults.takes = () => Number.POSITIVE_INFINITY;
    await until(() => {
      time.advance(1000);
      return sink.counts.queued === 0;
    }, 'everything is written');
    assert.equal(
      sink.trouble === null || /^(left incomplete|cannot complete)/.test(sink.trouble),
      true,
      sink.trouble!,
    );
  }
  await sink.close();
  assert.deepEqual([sink.counts.queued, given(sink)], [0, count]);
  check(fixture);
}

function check(fixture: FileSinkFixture): void {
  const finals: string[] = [];
  const parts: string[] = [];
  for (const name of fixture.names()) {
    const final = !name.endsWith('.part');
    const bytes = fixture.read(name);
    if (!final && name.includes('.gz')) {
      parts.push(...lines(gunzipWhole(bytes)).whole);
    } else {
      const { whole, clean } = lines((name.includes('.gz') ? gunzipSync(bytes) : bytes).toString());
      if (final) assert.ok(clean && whole.length > 0, `${name} has whole records`);
      (final ? finals : parts).push(...whole);
    }
  }
  const { written, droppedFailed } = fixture.sink.counts;
  // A file may have its final name and still be .part, when the .part could not be removed.
  const all = new Set([...finals, ...parts]);
  assert.equal(new Set(finals).size, finals.length, 'no record is in two final files');
  assert.ok(all.size >= written, 'every written record is in a file');
  assert.ok(all.size <= written + droppedFailed, 'a record in a file is written, or was in a torn write');
  assert.ok(finals.length <= written, 'final files have written records only');
}

/** The text of the members that are whole. */
function gunzipWhole(bytes: Buffer): string {
  for (let end = bytes.length; end > 0; end--) {
    try {
      return gunzipSync(bytes.subarray(0, end)).toString();
    } catch {
      // The last member is not whole; try without its end.
    }
  }
  return '';
}
