/** docs/conformance.md: that the tests it names are there, and that it counts what it lists. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pageText, root } from './pages.ts';

const STATUSES = ['yes', 'option', 'differs', 'no', 'n/a'];
const LEVELS = ['MUST', 'MUST NOT', 'SHOULD', 'SHOULD NOT', 'MAY', ''];
const page = pageText('docs/conformance.md');

interface Requirement {
  readonly level: string;
  readonly text: string;
  readonly status: string;
  readonly how: string;
  readonly tests: readonly { readonly file: string; readonly name: string }[];
}

function requirementsOf(rfc: string): Requirement[] {
  const [section] = page.slice(page.indexOf(`\n## ${rfc}\n`) + 1).split(/\n(?=## )/);
  return [...section.matchAll(/^\| (\d[\d.]*) \| (.*) \|$/gm)].map(([, , rest]) => {
    const cells = rest.split(' | ').map((cell) => cell.trim());
    assert.equal(cells.length, 5, rest);
    const [level, text, status, how, named] = cells;
    const tests = [...named.matchAll(/`([^`]+)` › (.+?)(?=<br>|$)/g)].map(([, file, name]) => ({
      file,
      name,
    }));
    assert.equal(tests.length, named === '' ? 0 : named.split('<br>').length, named);
    return { level, text, status, how, tests };
  });
}

const RFCS = { 'RFC 7011': requirementsOf('RFC 7011'), 'RFC 3954': requirementsOf('RFC 3954') };
const all = Object.values(RFCS).flat();

/** Names of tests as they stand in a source file, template literals without the values. */
function testNames(file: string): Set<string> {
  const source = readFileSync(join(root, file), 'utf8');
  return new Set([...source.matchAll(/\b(?:test|it)\(\s*(['`])((?:(?!\1).)+)\1/g)].map(([, , name]) => name));
}

test('every test that the table names is there', () => {
  const files = new Map<string, Set<string>>();
  for (const { file, name } of all.flatMap(({ tests }) => tests)) {
    const names = files.get(file) ?? testNames(file);
    files.set(file, names);
    assert.ok(names.has(name), `${file}: no test "${name}"`);
  }
  assert.ok(files.size > 10);
});

test('what is done has a test, and what is not done as it stands there has a reason', () => {
  assert.ok(RFCS['RFC 7011'].length > 50 && RFCS['RFC 3954'].length > 15);
  for (const { level, text, status, how, tests } of all) {
    assert.ok(LEVELS.includes(level) && STATUSES.includes(status), text);
    assert.ok(tests.length > 0 || status === 'no' || status === 'n/a', text);
    assert.ok(how !== '' || status === 'yes', text);
  }
});

test('the summary counts the rows', () => {
  for (const [rfc, requirements] of Object.entries(RFCS))
    for (const level of ['MUST', 'SHOULD']) {
      const rows = requirements.filter((each) => each.level === level || each.level === `${level} NOT`);
      const counts = STATUSES.map((status) => rows.filter((each) => each.status === status).length);
      assert.ok(page.includes(`| ${rfc} ${level} | ${counts.join(' | ')} |`), `${rfc} ${level}: ${counts}`);
    }
});
