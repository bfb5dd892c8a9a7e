import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { PAGES, pageText, root } from './pages.ts';

/** The anchors that GitHub gives the headings of a page, and those that it has itself. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading] of withoutCode(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let n = 1; anchors.has(unique); n++) unique = `${anchor}-${n}`;
    anchors.add(unique);
  }
  for (const [, id] of withoutCode(page).matchAll(/<a id="([^"]+)"><\/a>/g)) anchors.add(id);
  return anchors;
}

function withoutCode(page: string): string {
  return pageText(page).replaceAll(/^```.*?^```$/gms, '');
}

const linksOf = (page: string): string[] =>
  [...withoutCode(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target);

test('links between documents lead to files and headings that are there', () => {
  let links = 0;
  for (const page of PAGES)
    for (const link of linksOf(page)) {
      if (/^https?:/.test(link)) continue;
      const [path, anchor] = link.split('#');
      const target = path === '' ? page : normalize(join(dirname(page), path));
      assert.ok(existsSync(join(root, target)), `${page}: ${link}`);
      if (anchor !== undefined) assert.ok(anchorsOf(target).has(anchor), `${page}: ${link}`);
      links++;
    }
  assert.ok(links > 30, `${links} links`);
});

test('every document can be reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached)
    for (const link of linksOf(page)) {
      const target = normalize(join(dirname(page), link.split('#')[0]));
      if (PAGES.includes(target)) reached.add(target);
    }
  assert.deepEqual(
    PAGES.filter((page) => !reached.has(page)),
    [],
  );
});
