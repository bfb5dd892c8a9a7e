import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { type OutputSpec, parseOutputUri } from '../../src/output/output-uri.ts';

const DEFAULTS = { format: 'ndjson', schema: 'millrace' } as const;

function parse(text: string): OutputSpec {
  return parseOutputUri(text, DEFAULTS);
}

function refusal(text: string): string {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof MillraceError);
    assert.equal(error.code, 'CONFIG_INVALID');
    assert.ok(!/[\r\n]/.test(error.message), 'one line');
    assert.ok(error.message.startsWith(`--output ${JSON.stringify(text)}: `), error.message);
    return error.message.slice(`--output ${JSON.stringify(text)}: `.length);
  }
  assert.fail(`${text} is accepted`);
}

test('an output takes the defaults of its caller', () => {
  assert.deepEqual(parse('stdout:'), {
    kind: 'stdout',
    name: 'stdout:',
    encoding: { format: 'ndjson', schema: 'millrace', options: false },
    queueBytes: 64 * 1024 * 1024,
  });
  assert.deepEqual(parseOutputUri('stdout:', { format: 'text', schema: 'iana' }).encoding, {
    format: 'text',
    schema: 'iana',
    options: true,
  });
  assert.equal(
    parseOutputUri('null:?format=msgpack', { format: 'text', schema: 'millrace' }).encoding.format,
    'msgpack',
  );
});

test('a file output with everything', () => {
  const text =
    'file:///var/flows/%Y/flows-%Y%m%d-%H%M.ndjson?format=ndjson&rotate=1h&compress=zstd&options=true&queue=16MiB';
  assert.deepEqual(parse(text), {
    kind: 'file',
    name: text,
    encoding: { format: 'ndjson', schema: 'millrace', options: true },
    queueBytes: 16 * 1024 * 1024,
    pattern: '/var/flows/%Y/flows-%Y%m%d-%H%M.ndjson.zst',
    rotateMs: 3_600_000,
    compress: 'zstd',
  });
});

test('paths: absolute, relative, with a suffix that names the compression', () => {
  const file = (text: string): [string, string] => {
    const spec = parse(text);
    assert.equal(spec.kind, 'file');
    return spec.kind === 'file' ? [spec.pattern, spec.compress] : ['', ''];
  };
  assert.deepEqual(file('file:flows.ndjson'), ['flows.ndjson', 'none']);
  assert.deepEqual(file('file:a/b%%.ndjson?'), ['a/b%%.ndjson', 'none']);
  assert.deepEqual(file('file:/x/flows?compress=gzip'), ['/x/flows.gz', 'gzip']);
  assert.deepEqual(file('file:flows.ndjson.gz'), ['flows.ndjson.gz', 'gzip']);
  assert.deepEqual(file('file:flows.zst?compress=zstd'), ['flows.zst', 'zstd']);
});

test('durations and sizes, at both sides of their limits', () => {
  const rotate = (value: string): number =>
    (parse(`file:f?rotate=${value}`) as { rotateMs: number }).rotateMs;
  assert.deepEqual(['30s', '5m', '1h', '1d', '1s', '366d'].map(rotate), [
    30_000,
    300_000,
    3_600_000,
    86_400_000,
    1000,
    366 * 86_400_000,
  ]);
  for (const value of ['0s', '367d', '5', '1w', '-1h', '1.5h', '1h30m', '']) {
    assert.equal(
      refusal(`file:f?rotate=${value}`),
      `rotate is ${JSON.stringify(value)}; allowed are 1s to 366d, such as 30s, 5m, 1h or 1d`,
    );
  }
  const queue = (value: string): number => parse(`null:?queue=${value}`).queueBytes;
  assert.deepEqual(
    ['64KiB', '65536', '65536B', '16MiB', '64GiB'].map(queue),
    [65_536, 65_536, 65_536, 16_777_216, 68_719_476_736],
  );
  for (const value of ['65535', '63KiB', '65GiB', '16MB', '1e6', '99999999999999999999']) {
    assert.match(refusal(`null:?queue=${value}`), /^queue is ".*"; allowed are 64KiB to 64GiB/);
  }
});

test('what is refused says what is allowed', () => {
  const cases: [string, RegExp][] = [
    ['', /^allowed are stdout:, file:PATH and null:/],
    ['flows.ndjson', /^allowed are stdout:, file:PATH and null:/],
    ['stdout', /^allowed are/],
    ['kafka://x/y', /^allowed are/],
    ['stdout:x', /^stdout: takes no path$/],
    ['null:/dev/null', /^null: takes no path$/],
    ['stdout:?format=xml', /^format is "xml"; allowed are ndjson, text, msgpack, columnar$/],
    ['stdout:?format', /^format is ""; allowed are/],
    ['stdout:?schema=goflow', /^schema is "goflow"; allowed are millrace, iana$/],
    ['stdout:?options=yes', /^options is "yes"; allowed are true, false$/],
    ['stdout:?schema=iana&options=false', /^options=false is not possible with schema=iana/],
    ['stdout:?rotate=1h', /^unknown option "rotate"; stdout: allows format, schema, options, queue$/],
    [
      'file:f?fromat=text',
      /^unknown option "fromat"; file: allows format, schema, options, queue, rotate, compress$/,
    ],
    ['file:f?format=text&format=text', /^format is given twice$/],
    ['file:', /^no file name/],
    ['file:///var/flows/', /^no file name/],
    ['file://host/flows', /^a file: URI has no host/],
    ['file:f-%y', /^unknown "%y" in the path; allowed are %Y %m %d %H %M %S %s %j %% \(UTC\)$/],
    ['file:f-%z', /^unknown "%z"/],
    ['file:f-%', /^unknown "%"/],
    ['file:a\nb', /^the path has control characters/],
    ['file:f?compress=lz4', /^compress is "lz4"; allowed are none, gzip, zstd$/],
    ['file:f.gz?compress=zstd', /^compress is "zstd" for a .gz file; allowed is gzip$/],
    ['file:f.zst?compress=none', /^compress is "none" for a .zst file; allowed is zstd$/],
    ['stdout:?for\nmat=1', /^unknown option "for\\nmat"/],
  ];
  for (const [text, message] of cases) assert.match(refusal(text), message, text);
});
