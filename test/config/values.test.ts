import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endpointText,
  parseBytes,
  parseDecimal,
  parseDurationMs,
  parseHostPort,
  parseInteger,
  parseListenUri,
  parseProbability,
  parseWorkers,
} from '../../src/config/values.ts';
import fc from '../support/fast-check.ts';

function check<T>(parse: (text: string) => T | undefined, good: [string, T][], bad: string[]): void {
  for (const [text, value] of good) assert.deepEqual(parse(text), value, text);
  for (const text of bad) assert.equal(parse(text), undefined, text);
}

test('whole numbers', () => {
  check(
    parseInteger,
    [
      ['0', 0],
      ['007', 7],
      ['9007199254740991', Number.MAX_SAFE_INTEGER],
    ],
    ['', '-1', '+1', '1.0', '1e3', '0x10', ' 1', '1 ', '9007199254740992', '99999999999999999'],
  );
});

test('decimal numbers', () => {
  check(
    parseDecimal,
    [
      ['0', 0],
      ['2', 2],
      ['0.5', 0.5],
      ['.5', 0.5],
      ['2.', 2],
    ],
    ['', '.', '-1', '1e3', 'Infinity', 'NaN', '1,5', '1.2.3'],
  );
});

test('probabilities', () => {
  check(
    parseProbability,
    [
      ['0', 0],
      ['1', 1],
      ['0.01', 0.01],
      ['5%', 0.05],
      ['100%', 1],
    ],
    ['', '1.01', '101%', '-1', '%', '5 %', 'half'],
  );
});

test('durations', () => {
  check(
    parseDurationMs,
    [
      ['0', 0],
      ['250ms', 250],
      ['30s', 30_000],
      ['5m', 300_000],
      ['1h', 3_600_000],
      ['1h30m', 5_400_000],
      ['7d', 604_800_000],
    ],
    ['', '5', 's', '5 m', '-5m', '1.5h', '5M', '5min', '1h30', 'm5'],
  );
});

test('sizes', () => {
  check(
    parseBytes,
    [
      ['0', 0],
      ['1500', 1500],
      ['1500B', 1500],
      ['512KiB', 524_288],
      ['32MiB', 33_554_432],
      ['1GiB', 1_073_741_824],
    ],
    ['', 'KiB', '1.5MiB', '1 MiB', '1MB', '1mib', '-1', '999999999999999GiB'],
  );
});

test('listen addresses', () => {
  check(
    parseListenUri,
    [
      ['netflow://[::]:2055', { host: '::', port: 2055 }],
      ['netflow://:2055', { host: '::', port: 2055 }],
      ['netflow://0.0.0.0:9995', { host: '0.0.0.0', port: 9995 }],
      ['netflow://[2001:db8::1]:0', { host: '2001:db8::1', port: 0 }],
      ['netflow://127.0.0.1:65535/', { host: '127.0.0.1', port: 65_535 }],
    ],
    [
      '',
      '2055',
      '[::]:2055',
      'udp://[::]:2055',
      'netflow://[::]',
      'netflow://[::]:',
      'netflow://[::]:65536',
      'netflow://[::]:-1',
      'netflow://::1:2055',
      'netflow://[10.0.0.1]:2055',
      'netflow://10.0.0.256:2055',
      'netflow://localhost:2055',
      'netflow://[]:2055',
      'netflow://[::]:2055/x',
    ],
  );
});

test('targets', () => {
  check(
    parseHostPort,
    [
      ['127.0.0.1:2055', { host: '127.0.0.1', port: 2055 }],
      ['collector.example:1', { host: 'collector.example', port: 1 }],
      ['[::1]:65535', { host: '::1', port: 65_535 }],
    ],
    [
      '',
      ':2055',
      'host',
      'host:',
      'host:0',
      'host:65536',
      '::1:2055',
      '[host]:2055',
      '10.0.0.256:1',
      '10.0.0:1',
      'a b:1',
    ],
  );
});

test('a target that is written out reads back the same', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
      fc.integer({ min: 1, max: 65_535 }),
      (host, port) => {
        assert.deepEqual(parseHostPort(endpointText({ host, port })), { host, port });
      },
    ),
  );
});

test('workers', () => {
  check<number | 'auto'>(
    parseWorkers,
    [
      ['auto', 'auto'],
      ['4', 4],
    ],
    ['', 'Auto', '-1', '2.5'],
  );
});

test('no parser throws or hangs on any text', () => {
  const parsers = [
    parseInteger,
    parseDecimal,
    parseProbability,
    parseDurationMs,
    parseBytes,
    parseListenUri,
    parseHostPort,
    parseWorkers,
  ];
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      for (const parse of parsers) parse(text);
    }),
  );
});
