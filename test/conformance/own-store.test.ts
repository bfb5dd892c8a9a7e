/** The store and the suite that docs/store.md shows, taken from there and run as a user would: in a package of his own. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openStore } from '../../src/fleet/open-store.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { templateItemOf } from '../support/store-items.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const directory = temporaryDirectory();
const [store, suite] = [
  ...readFileSync(join(root, 'docs/store.md'), 'utf8').matchAll(/```js\n(.*?)```/gs),
].map(([, code]) => code);
mkdirSync(join(directory, 'node_modules'));
symlinkSync(root, join(directory, 'node_modules/millrace'));
writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
writeFileSync(join(directory, 'journal-store.js'), store);
writeFileSync(join(directory, 'journal.test.js'), suite);

const runSuite = (): Promise<{ code: number; stdout: string }> =>
  new Promise((resolve) => {
    const env = { ...process.env };
    // Of the runner that runs this test.
    delete env['NODE_TEST_CONTEXT'];
    const options = { cwd: directory, env, maxBuffer: 1e8, timeout: 120_000 };
    execFile(
      process.execPath,
      ['--test', '--test-reporter=tap', 'journal.test.js'],
      options,
      (error, stdout) => resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
  });

test('the store of the documentation passes the suite', async () => {
  const { code, stdout } = await runSuite();
  assert.equal(
    code,
    0,
    stdout
      .split('\n')
      .filter((line) => /not ok|error/.test(line))
      .join('\n'),
  );
  assert.ok(Number(/^# pass (\d+)/m.exec(stdout)?.[1]) > 30);
});

test('it can be used by its URI, and remembers', async () => {
  const uri = `module:${directory}/journal-store.js?path=${directory}/journal`;
  const scope = 'ipfix/192.0.2.1/0/7';
  const first = await openStore(uri);
  await first.put(scope, [templateItemOf(scope, 256, 'a'), templateItemOf(scope, 257, 'b')]);
  await first.remove(scope, ['template/257'], 'operator');
  await first.close();
  const second = await openStore(uri);
  assert.deepEqual(
    (await second.getScope(scope)).map(({ item }) => item),
    ['template/256'],
  );
  await second.close();
});

/** Mistakes that are easily made, and a test each that has to notice. */
const MISTAKES: readonly [what: string, code: string, notices: RegExp][] = [
  [
    'forgets the conflict rule',
    'async put(s, i) { await super.remove(s, i.map((x) => x.item), "evicted"); return super.put(s, i); }',
    /exported earlier: loses/,
  ],
  [
    'removes whatever is named',
    'async remove(s, i, r) { return super.remove(s, i, r); }',
    /withdrawal said earlier, and late/,
  ],
  [
    'clears too much',
    'async clearScope(s, w, r) { return super.clearScope(s, "all", r); }',
    /clears data of one scope/,
  ],
  ['forgets announcements', 'async touch() {}', /touch ends the idle time/],
  [
    'tells changes twice',
    'async watch(w) { const c = w.changed.bind(w); w.changed = (x, i) => { c(x, i); c(x, i); }; return super.watch(w); }',
    /tells every change once/,
  ],
  [
    'sorts by nothing',
    'async getScope(s) { return (await super.getScope(s)).reverse(); }',
    /in the order of names/,
  ],
  ['goes on after close', 'async close() {}', /every call is refused/],
];

test('the suite notices mistakes', async () => {
  for (const [what, code, notices] of MISTAKES) {
    const mistaken = `import { MemoryStore } from 'millrace';
      class Mistaken extends MemoryStore { ${code} }
      export default async () => new Mistaken();`;
    writeFileSync(join(directory, 'journal-store.js'), mistaken);
    const { code: exit, stdout } = await runSuite();
    assert.notEqual(exit, 0, what);
    const failed = stdout.split('\n').filter((line) => /^ +not ok/.test(line));
    assert.ok(
      failed.some((line) => notices.test(line)),
      `${what}: ${failed.join('\n')}`,
    );
  }
});
