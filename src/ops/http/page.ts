import { readFileSync } from 'node:fs';
import type { Reply, Route } from './reply.ts';

/** The files of the page as they are in the source tree, which is part of the package; there is nothing to build. */
const FOLDER = new URL('../../../../src/ops/page/', import.meta.url);

const FILES = [
  ['/', 'index.html', 'text/html; charset=utf-8'],
  ['/page.css', 'page.css', 'text/css; charset=utf-8'],
  ['/page.js', 'page.js', 'text/javascript; charset=utf-8'],
  ['/charts.js', 'charts.js', 'text/javascript; charset=utf-8'],
  ['/icon.svg', 'icon.svg', 'image/svg+xml'],
] as const;

/** Routes of the page; the files are read once, when the program starts. */
export function pageRoutes(): [string, Route][] {
  return FILES.map(([path, file, type]) => {
    const reply: Reply = { status: 200, type, body: readFileSync(new URL(file, FOLDER)) };
    return [path, { parameters: [], open: true, handle: () => reply }];
  });
}
