import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { DgramsWriter } from '../../src/receive/capture/writer.ts';
import { ipfix, set, template, u32, v5 } from '../support/bytes.ts';
import { run } from './child.ts';

const directory = mkdtempSync(join(tmpdir(), 'millrace-inspect-'));
test.after(() => rmSync(directory, { recursive: true }));

test('inspect plan shows fields and code of every layout, once', async () => {
  const file = join(directory, 'two.dgrams');
  const octets = set(2, template(256, [1, 4], [8, 4]));
  const datagrams = [ipfix({}, octets, set(256, u32(1, 2))), ipfix({}, octets), v5({}, new Uint8Array(48))];
  writeFileSync(file, Buffer.concat(datagrams.map((d) => DgramsWriter.record(new Uint8Array(16), 9, d))));
  const { code, stdout, stderr } = await run(['inspect', 'plan', file]);
  assert.deepEqual([code, stderr], [0, '']);
  assert.equal(stdout.match(/function decodeSet/g)?.length, 2);
  assert.match(
    stdout,
    /^\/\/ data template 256, template 256: 2 columns\n\/\/ +0 {2}octetDeltaCount, 4 octets, u32$/m,
  );
  assert.match(stdout, /^\/\/ version 5: 24 columns$/m);
});

test('inspect says what it can show', async () => {
  const wrong = await run(['inspect', 'flow', 'x']);
  assert.deepEqual([wrong.code, wrong.stderr], [2, 'millrace: inspect "flow": allowed is plan\n']);
  assert.equal((await run(['inspect', 'plan'])).code, 2);
  const missing = await run(['inspect', 'plan', join(directory, 'missing.pcap')]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^millrace: [^\n]*missing\.pcap[^\n]*\n$/);
});
