/** Flows written as columnar files, and turned into other formats again. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { SCHEMAS } from '../../src/output/encoder.ts';
import { HEADER_BYTES } from '../support/columnar.ts';
import { countLines, type Ended, Running, run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const at = (name: string): string => join(directory, name);

async function good(...args: string[]): Promise<Ended> {
  const ended = await run(args);
  assert.equal(ended.code, 0, ended.stderr);
  return ended;
}

async function generated(name: string, ...args: string[]): Promise<string> {
  await good('generate', '--output', at(name), '--quiet', ...args);
  return at(name);
}

/** Decodes a capture into a columnar file. */
async function columnar(capture: string, name: string, ...args: string[]): Promise<string> {
  await good('decode', capture, '--quiet', '--output', `file://${at(name)}?format=columnar`, ...args);
  return at(name);
}

const frameEnds = (bytes: Uint8Array): number[] => {
  const ends: number[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let end = 0; end < bytes.length; ) {
    end += HEADER_BYTES + view.getUint32(end + 8, true);
    ends.push(end);
  }
  return ends;
};

describe('decode of columnar files', () => {
  for (const version of ['5', '7', '9', '10']) {
    it(`writes what decode of the datagrams writes (version ${version})`, async () => {
      const traffic = version === '5' || version === '7' ? [] : ['--templates', '3', '--options'];
      const capture = await generated(
        `v${version}.dgrams`,
        '--version',
        version,
        '--count',
        '120',
        ...traffic,
      );
      const uri = (name: string, format: string, schema: string): string[] => [
        '--output',
        `file://${at(`v${version}-${name}`)}?format=${format}&schema=${schema}`,
      ];
      await good(
        'decode',
        capture,
        '--quiet',
        '--options',
        ...SCHEMAS.flatMap((schema) => [
          ...uri(`direct-${schema}.ndjson`, 'ndjson', schema),
          ...uri(`direct-${schema}.text`, 'text', schema),
          ...uri(`${schema}.mrc`, 'columnar', schema),
        ]),
      );
      for (const schema of SCHEMAS) {
        const file = at(`v${version}-${schema}.mrc`);
        await good(
          'decode',
          '--from',
          'columnar',
          file,
          '--quiet',
          '--options',
          ...uri(`back-${schema}.ndjson`, 'ndjson', schema),
          ...uri(`back-${schema}.text`, 'text', schema),
        );
        for (const format of ['ndjson', 'text']) {
          const direct = readFileSync(at(`v${version}-direct-${schema}.${format}`), 'utf8');
          const back = readFileSync(at(`v${version}-back-${schema}.${format}`), 'utf8');
          assert.ok(back === direct, `${schema} ${format}`);
          assert.ok(countLines(direct) > 1000);
        }
      }
    });
  }

  it('leaves out options records unless asked for, and counts them', async () => {
    const capture = await generated('options.dgrams', '--count', '60', '--options');
    const file = await columnar(capture, 'options.mrc', '--options');
    const all = await good('decode', file, '--options');
    const flows = await good('decode', file);
    const [, count, options] = /^\d+ frames, (\d+) flows, (\d+) options records\n$/.exec(flows.stderr) ?? [];
    assert.equal(flows.stderr, all.stderr);
    assert.equal(countLines(flows.stdout), Number(count));
    assert.equal(countLines(all.stdout), Number(count) + Number(options));
    assert.ok(Number(options) > 0);
  });

  it('knows them by their content: from files, compressed ones and standard input, one after another', async () => {
    const capture = await generated('kinds.dgrams', '--count', '40');
    const file = await columnar(capture, 'kinds.mrc', '--workers', '1');
    const { stdout } = await good('decode', capture, '--quiet');
    await good(
      'decode',
      capture,
      '--quiet',
      '--output',
      `file://${at('packed.mrc.gz')}?format=columnar`,
      '--workers',
      '1',
    );
    const packed = at('packed.mrc.gz');
    assert.deepEqual(gunzipSync(readFileSync(packed)), readFileSync(file));
    assert.equal((await good('decode', file, '--quiet')).stdout, stdout);
    assert.equal((await good('decode', packed, '--quiet')).stdout, stdout);
    assert.equal((await good('decode', file, packed, '--quiet')).stdout, stdout + stdout);
    for (const [args, input] of [
      [[], readFileSync(file)],
      [['--from', 'columnar'], readFileSync(file)],
      [['--from', 'columnar'], gzipSync(readFileSync(file))],
    ] as const) {
      const ended = await run(['decode', '-', '--quiet', ...args], input);
      assert.equal(ended.code, 0, ended.stderr);
      assert.equal(ended.stdout, stdout);
    }
    const concatenated = at('twice.mrc');
    writeFileSync(concatenated, Buffer.concat([readFileSync(file), readFileSync(file)]));
    assert.equal((await good('decode', concatenated, '--quiet')).stdout, stdout + stdout);
    assert.equal((await good('decode', capture, '--from', 'capture', '--quiet')).stdout, stdout);
  });

  it('writes to several outputs and into the ledger', async () => {
    const capture = await generated('outputs.dgrams', '--count', '40');
    const file = await columnar(capture, 'outputs.mrc');
    const outputs = ['stdout:?format=text', `file://${at('back.ndjson')}`, 'null:?format=msgpack'];
    const ledger = at('outputs.json');
    const { stdout } = await good(
      ...['decode', file, '--quiet', '--ledger', ledger],
      ...outputs.flatMap((output) => ['--output', output]),
    );
    const flows = countLines(stdout);
    assert.equal(countLines(readFileSync(at('back.ndjson'), 'utf8')), flows);
    const report = JSON.parse(readFileSync(ledger, 'utf8'));
    const frames = frameEnds(readFileSync(file)).length;
    const bytes = readFileSync(file).length;
    assert.deepEqual(report, {
      counters: {
        records_decoded: flows,
        records_encoded: flows,
        records_filtered: 0,
        records_options_decoded: 0,
      },
      inputs: [{ bytesRead: bytes, bytesTotal: bytes, file, flows, frames, optionsRecords: 0 }],
      outputs: outputs.map((output) => ({
        output,
        encoded: flows,
        written: flows,
        dropped_queue_full: 0,
        dropped_failed: 0,
      })),
    });
  });

  it('writes what is whole of a file that was cut, and says where it was cut', async () => {
    const capture = await generated('cut.dgrams', '--count', '200', '--templates', '4');
    const file = await columnar(capture, 'cut.mrc', '--schema', 'iana');
    const bytes = readFileSync(file);
    const ends = frameEnds(bytes);
    assert.ok(ends.length > 5);
    const cut = at('cut-off.mrc');
    writeFileSync(cut, bytes.subarray(0, ends[3] + 100));
    const whole = at('whole.mrc');
    writeFileSync(whole, bytes.subarray(0, ends[3]));
    const expected = await good('decode', whole, '--schema', 'iana');
    const { code, stdout, stderr } = await run(['decode', cut, '--schema', 'iana']);
    assert.equal(code, 1);
    assert.equal(stdout, expected.stdout);
    const reason = `cut short, in the middle of the frame that begins at octet ${ends[3]}`;
    const where = `columnar data broken at octet ${ends[3] + 100}`;
    assert.equal(stderr, `millrace: cannot read ${cut}: ${where}: ${reason}\n${expected.stderr}`);
  });

  it('says what is wrong in one line', async () => {
    const capture = await generated('wrong.dgrams', '--count', '20');
    const file = await columnar(capture, 'wrong.mrc', '--schema', 'iana');
    const missing = at('missing.mrc');
    for (const [args, code, message] of [
      [
        [file],
        1,
        /^millrace: cannot write .*wrong\.mrc: it has records of schema iana; --schema iana writes them$/,
      ],
      [
        [capture, '--from', 'columnar'],
        1,
        /^millrace: cannot read .*wrong\.dgrams: .*octet 0: no columnar frame begins here$/,
      ],
      [
        [missing, '--from', 'columnar'],
        1,
        /^millrace: cannot read .*missing\.mrc: no such file or directory$/,
      ],
      [[missing], 1, /^millrace: cannot read .*missing\.mrc: no such file or directory$/],
      [[file, '--from', 'capture'], 1, /^millrace: cannot read .*wrong\.mrc: not a capture/],
      [
        [file, '--format', 'columnar'],
        2,
        /^millrace: --output "stdout:": format columnar; allowed .* ndjson, text and msgpack$/,
      ],
      [[file, '--from', 'tape'], 2, /^millrace: --from "tape": allowed are auto, capture, columnar$/],
    ] as const) {
      const ended = await run(['decode', '--quiet', ...args]);
      assert.equal(ended.code, code, ended.stderr);
      assert.match(ended.stderr.trimEnd(), message);
      assert.equal(ended.stdout, '');
    }
    const both = await run(['decode', '--quiet', missing, file, '--from', 'columnar', '--schema', 'iana']);
    assert.equal(both.code, 1);
    assert.ok(countLines(both.stdout) > 0);
  });

  it('ends quietly when the reader goes away, and on a signal', async () => {
    const capture = await generated('many.dgrams', '--count', '2000');
    const file = await columnar(capture, 'many.mrc');
    const head = new Running(['decode', file]);
    await head.lines(1);
    head.child.stdout?.destroy();
    const ended = await head.ended;
    assert.deepEqual([ended.code, ended.stderr], [0, '']);

    const bytes = readFileSync(file);
    const open = new Running(['decode', '-'], { stdio: ['pipe', 'pipe', 'pipe'] });
    open.child.stdin?.write(bytes.subarray(0, frameEnds(bytes)[0] + 5));
    await open.lines(1);
    open.kill('SIGINT');
    const interrupted = await open.ended;
    assert.equal(interrupted.code, 130);
    assert.match(interrupted.stderr, /^1 frame, \d+ flows, 0 options records\n$/);
  });
});
