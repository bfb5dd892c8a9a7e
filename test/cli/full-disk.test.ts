/** An output on a disk that is really full. */
import assert from 'node:assert/strict';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OutputAccount } from '../../src/accounting/ledger.ts';
import type { StatusDocument } from '../../src/ops/operations.ts';
import { jsonLines } from '../support/json-lines.ts';
import { diskOf, smallDisk } from '../support/small-disk.ts';
import { countLines, eventually, Running, run, temporaryDirectory } from './child.ts';
import { readBalanced } from './ledger-balance.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);
mkdirSync(at('disk'));
const { under, skip } = smallDisk(at('disk'));

const DISK_BYTES = 4 * 1024 * 1024;
/** What is left beside the file that takes away the room. */
const LEFT_BYTES = 512 * 1024;

test('standard output that is full ends decode', { skip: !existsSync('/dev/full') }, async () => {
  assert.equal((await run(['generate', '--output', at('some.dgrams'), '--count', '20'])).code, 0);
  const full = openSync('/dev/full', 'w');
  const decode = new Running(['decode', at('some.dgrams'), '--quiet'], { stdio: ['ignore', full, 'pipe'] });
  closeSync(full);
  const { code, stderr } = await decode.ended;
  assert.deepEqual([code, stderr], [1, 'millrace: stdout: cannot write: no space left on device\n']);
});

test('a full disk: the output waits, drops and counts, and goes on when there is room again', {
  skip,
}, async () => {
  const collector = new Running(
    [
      ...['collect', '--listen', 'netflow://127.0.0.1:0', '--recv-buffer', '4MiB', '--http', '127.0.0.1:0'],
      ...['--output', `file://${at('disk/flows.ndjson')}?queue=256KiB`, '--ledger', at('ledger.json')],
    ],
    { under: under(at('disk'), DISK_BYTES) },
  );
  const port = await collector.port();
  const url = /http:\/\/\S+/.exec(collector.stderr)![0];
  const status = async (): Promise<StatusDocument> =>
    (await (await fetch(`${url}/status`)).json()) as StatusDocument;
  const trouble = async (): Promise<string | null> => (await status()).parts.outputs[0].trouble;
  const disk = diskOf(collector.child.pid!, at('disk'));
  const freeBytes = (): number => {
    const { bavail, bsize } = statfsSync(disk);
    return bavail * bsize;
  };
  assert.equal(freeBytes(), DISK_BYTES);
  writeFileSync(join(disk, 'other'), new Uint8Array(DISK_BYTES - LEFT_BYTES));

  let offered = 0;
  /** Resolves when all of it is decoded, with what the output has done. */
  const send = async (datagrams: number): Promise<OutputAccount> => {
    const { code, stderr } = await run([
      ...['generate', '--to', `127.0.0.1:${port}`, '--count', String(datagrams), '--rate', '1000'],
    ]);
    assert.equal(code, 0, stderr);
    offered += Number(/\((\d+) flows/.exec(stderr)?.[1]);
    let { ledger } = await status();
    await eventually('all is decoded', async () => {
      ({ ledger } = await status());
      return ledger.counters.records_encoded === offered;
    });
    return ledger.outputs[0];
  };

  assert.equal((await send(5)).dropped_queue_full, 0);
  assert.equal(await trouble(), null);
  await send(200);
  await eventually('the disk is full', async () => (await trouble()) !== null);
  assert.match((await trouble())!, /^cannot write .*flows\.ndjson\.part: no space left on device$/);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^millrace_output_up\{.*\} 0$/m);
  const full = await send(100);
  assert.ok(full.written > 0 && full.dropped_queue_full > 0, JSON.stringify(full));
  const part = join(disk, 'flows.ndjson.part');
  await eventually(
    'it has taken back what was cut',
    () => countLines(readFileSync(part, 'utf8')) === full.written,
  );

  rmSync(join(disk, 'other'));
  await eventually('it goes on', async () => (await trouble()) === null);
  const after = await send(50);
  assert.ok(after.written > full.written);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /^millrace_output_up\{.*\} 1$/m);

  collector.kill('SIGTERM');
  const { code, stderr } = await collector.ended;
  assert.equal(code, 0, stderr);
  const { counters, outputs } = readBalanced(at('ledger.json'));
  assert.equal(counters.records_decoded, offered);
  const [{ encoded, written, dropped_queue_full: dropped, dropped_failed: failed }] = outputs;
  assert.deepEqual([encoded, failed], [offered, 0]);
  assert.equal(written + dropped, offered);
  assert.ok(dropped >= full.dropped_queue_full);
  assert.deepEqual(readdirSync(disk), ['flows.ndjson']);
  const flows = jsonLines(readFileSync(join(disk, 'flows.ndjson'), 'utf8'));
  assert.equal(flows.length, written);
  for (const { flow_type } of flows) assert.equal(flow_type, 'netflow_v9');
});
