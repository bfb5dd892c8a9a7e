import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DERIVED_FIELDS } from '../../src/filter/expression.ts';
import { FilterError } from '../../src/filter/filter-error.ts';
import { FILTER_LIMITS, parseFilter } from '../../src/filter/parser.ts';
import { ALONE, TERMS } from '../../src/filter/words.ts';
import { RECORD } from '../../src/schema/record.ts';
import fc from '../support/fast-check.ts';

function failure(text: string): FilterError {
  try {
    parseFilter(text);
  } catch (error) {
    assert.ok(error instanceof FilterError);
    return error;
  }
  assert.fail(`${JSON.stringify(text)} is a filter`);
}

describe('parseFilter', () => {
  it('knows the words of nfdump', () => {
    for (const text of [
      'proto tcp and dst port 443 and (src net 10.0.0.0/8 or bytes > 1M)',
      'src net 10.0.0.0/8 and dst port in [80 443] and bytes > 10k and not proto icmp',
      'flags S and not flags AFRPU',
      'ip in [192.0.2.1 192.0.2.2, 2001:db8::/32] # two and a range',
      'any',
      '(((inet6)))',
      'packets GT 10 && bps >= 1.5m || duration lt 500',
      'router ip 192.0.2.1 or bgp next ip 10.1.1.1 or prev as 64512',
      'ingress vrf 3 and in if 5 and mpls label3 = 17 and src mac 0:0:5e:0:53:1',
      'first seen >= 2026-01-01T00:00 and last seen lt 2026-01-02 or first seen > 1767225600000',
      'mac ff:ff:ff:ff:ff:ff and bgpnext ip 10.0.0.1 and engine-type 1 and engine-id = 255',
      'flowdir ingress or flowdir 1 or observation point id 4294967296',
      '! (icmp-type 8 and icmp-code 0) and observation domain id 5 and version 10',
    ]) {
      assert.equal(parseFilter(text).text, text);
    }
  });

  it('joins not before and before or', () => {
    const any = { kind: 'any' };
    const not = { kind: 'not', of: any };
    assert.deepEqual(parseFilter('any or not any and any or any').expression, {
      kind: 'or',
      of: [any, { kind: 'and', of: [not, any] }, any],
    });
    assert.deepEqual(parseFilter('not (any or any)').expression, {
      kind: 'not',
      of: { kind: 'or', of: [any, any] },
    });
  });

  it('says which keys of the record it needs', () => {
    assert.deepEqual([...parseFilter('port 5 and not duration > 1s').keys].sort(), [
      'dst_port',
      'src_port',
      'time_flow_end',
      'time_flow_start',
      'time_source',
    ]);
    assert.deepEqual([...parseFilter('any').keys], []);
  });

  it('points at the mistake and suggests the nearest word', () => {
    for (const [text, column, ...parts] of [
      ['', 1, 'a filter is expected'],
      ['# nothing', 10, 'a filter is expected'],
      ['proto tcp and dst prot 443', 19, '"prot"', 'did you mean port?', 'after dst is expected ip, host'],
      ['prooto tcp', 1, '"prooto"', 'did you mean proto?'],
      ['tcp', 1, 'did you mean proto tcp?'],
      ['zzzzzz 1', 1, 'unknown word "zzzzzz"'],
      ['proto tpc', 7, 'did you mean tcp?', 'allowed is a number from 0 to 255 or a name: icmp'],
      ['port 65536', 6, 'whole number from 0 to 65535'],
      ['port in [80 x]', 13, '"x" is no value of port'],
      ['port in 80', 9, 'a list such as [1 2 3]'],
      ['port in []', 10, '"]" is no value'],
      ['port in [80', 12, 'the list of column 9 has no ]'],
      ['src ip 10.0.0.256', 8, 'an address or range', 'names are not looked up'],
      ['ip > 10.0.0.1', 4, 'no order'],
      ['bytes > 1x', 9, 'with k, M, G or T'],
      ['bytes 99999999999999999T', 7, 'bytes'],
      ['proto tcp port 80', 11, 'and, or or the end', '"port"'],
      ['proto tcp adn port 80', 11, 'did you mean and?'],
      ['(proto tcp or port 80', 22, 'the parenthesis of column 1', 'not the end'],
      ['proto tcp) or port 80', 10, 'no parenthesis is open'],
      ['proto tcp or', 13, 'is expected, not the end'],
      ['proto tcp and and port 1', 15, '"and"'],
      ['port 80 ; port 90', 9, '";" means nothing here'],
      ['flags Z', 7, 'letters of FSRPAUEC'],
      ['src mac 1:2:3', 9, 'MAC address'],
      ['first seen 2026-02-29', 12, 'a time in UTC such as'],
      ['first seen 2026-01-01T24:00', 12, 'a time in UTC'],
      ['last seen 1969-12-31', 11, 'a time in UTC'],
      ['flowdir outside', 9, 'ingress, egress or a number from 0 to 255'],
      ['flows > 1', 1, 'unknown word "flows"; every record is one flow'],
      ['any and ident router', 9, 'exporter and domain say where'],
      ['nat ports 5', 5, 'did you mean port?'],
      ['mpls label11 5', 6, 'label1'],
    ] as const) {
      const error = failure(text);
      assert.equal(error.column, column, `${text}: ${error.message}`);
      for (const part of [`column ${column}: `, ...parts])
        assert.ok(error.message.includes(part), error.message);
      const [line, mark] = error.detail.split('\n');
      assert.equal(line, `  ${text}`);
      assert.equal(mark.indexOf('^'), column + 1);
      assert.equal(error.code, 'CONFIG_INVALID');
    }
  });

  it('keeps its limits', () => {
    const { characters, depth } = FILTER_LIMITS;
    const nested = (n: number) => `${'('.repeat(n)}any${')'.repeat(n)}`;
    parseFilter(nested(depth));
    assert.match(failure(nested(depth + 1)).message, /deeper than 64/);
    parseFilter(`${'not '.repeat(depth)}any`);
    assert.equal(failure(`${'not '.repeat(depth + 1)}any`).column, 4 * depth + 1);
    const filled = (n: number) => `any${' or any'.repeat(2_000)}`.slice(0, 3 + 7 * 1_000).padEnd(n);
    parseFilter(filled(characters));
    assert.match(failure(filled(characters + 1)).message, /has 8193 characters; allowed are 8192/);
  });

  it('shows control characters and escapes as blanks, in their columns', () => {
    const { message, detail } = failure('any\u001b[31m\u0007 or');
    assert.match(message, /^column 4: "\\u001b" means nothing here$/);
    assert.equal(detail, '  any [31m  or\n     ^');
    assert.match(failure('any \u009b').message, /^column 5: "\\u009b" means/);
  });

  it('takes any text without another error than its own', () => {
    const word = fc.constantFrom(
      ...[...TERMS.keys(), ...ALONE.keys()],
      ...[
        '(',
        ')',
        '[',
        ']',
        'in',
        'not',
        'and',
        'or',
        '>',
        '=',
        ',',
        '80',
        '10.0.0.0/8',
        'S',
        '1M',
        '#',
        '\n',
      ],
    );
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(anyText, (text) => {
        try {
          parseFilter(text);
        } catch (error) {
          assert.ok(error instanceof FilterError, `${error}`);
          assert.ok(!/(?!\n)\p{Cc}/u.test(error.message + error.detail));
          assert.ok(error.column >= 1 && error.column <= text.length + 1);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the words', () => {
  it('look at fields of the record', () => {
    const known = new Set([...RECORD.map(({ key }) => key), ...Object.keys(DERIVED_FIELDS)]);
    for (const [phrase, { fields }] of TERMS)
      for (const { key } of fields) assert.ok(known.has(key), `${phrase}: ${key}`);
    for (const keys of Object.values(DERIVED_FIELDS)) for (const key of keys) assert.ok(known.has(key), key);
  });
});
