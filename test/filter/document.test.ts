import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { DERIVED_FIELDS } from '../../src/filter/expression.ts';
import { FilterError } from '../../src/filter/filter-error.ts';
import { FILTER_LIMITS, parseFilter } from '../../src/filter/parser.ts';
import { ALONE, TERMS } from '../../src/filter/words.ts';

const text = readFileSync(new URL('../../../docs/filter.md', import.meta.url), 'utf8');

test('every filter of the document is one', () => {
  const blocks = [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  const examples = blocks.flatMap(([, language, lines]) => (language === '' ? lines.trim().split('\n') : []));
  assert.ok(examples.length >= 10);
  for (const example of examples) parseFilter(example);
});

test('the mistake of the document is shown as it says', () => {
  const [, filter, message, detail] =
    /--filter '(.*)'\nmillrace: --filter: (.*)\n((?: .*\n)+)```/.exec(text) ?? [];
  assert.throws(
    () => parseFilter(filter),
    (error: unknown) =>
      error instanceof FilterError && error.message === message && `${error.detail}\n` === detail,
  );
});

test('every word, field and limit is in the document', () => {
  const table = text.slice(text.indexOf('## Words'), text.indexOf('## Fields'));
  for (const phrase of [...TERMS.keys(), ...ALONE.keys()]) {
    const noun = phrase.replace(/^(src|dst|in|out|ingress|egress) /, '');
    const known = table.includes(`\`${phrase}\``) || table.includes(`\`${noun}\``);
    assert.ok(known || phrase === 'any' || /^mpls label\d+$/.test(phrase), phrase);
  }
  for (const { fields } of TERMS.values())
    for (const { key } of fields) assert.ok(table.includes(`\`${key}\``) || key in DERIVED_FIELDS, key);
  assert.ok(text.includes(FILTER_LIMITS.characters.toLocaleString('en').replace(',', ' ')));
  assert.ok(text.includes(`${FILTER_LIMITS.depth} parentheses`));
});
