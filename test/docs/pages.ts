/** The documents of the project, and what stands between fences in them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** Paths of the Markdown files that people read, from the root of the project. */
export const PAGES: readonly string[] = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

export function pageText(page: string): string {
  return readFileSync(join(root, page), 'utf8');
}

export interface Block {
  /** The first word behind the fence. */
  readonly language: string;
  /** From `title="…"` behind the fence; empty for none. */
  readonly title: string;
  readonly text: string;
}

export function blocksOf(page: string): Block[] {
  const fences = pageText(page).matchAll(/^```(\w*)(?: title="([^"]*)")?\n(.*?)^```$/gms);
  return [...fences].map(([, language, title = '', text]) => ({ language, title, text }));
}
