import { readFileSync } from 'node:fs';

/**
 * The Lua scripts beside this file, in scripts/: what each does, takes and answers stands at its top. The number in a file
 * name is that of its keys; those without one take any number.
 */
const FILES = {
  open: 'open-3.lua',
  tail: 'tail-2.lua',
  scopeNames: 'scope-names-1.lua',
  readScopes: 'read-scopes.lua',
  put: 'put-6.lua',
  remove: 'remove-6.lua',
  clear: 'clear-6.lua',
  touch: 'touch-4.lua',
  member: 'member-2.lua',
  raiseLevel: 'raise-level-4.lua',
} as const;
export type ScriptName = keyof typeof FILES;

export const SCRIPTS: Readonly<Record<ScriptName, string>> = Object.fromEntries(
  Object.entries(FILES).map(([name, file]) => [name, load(file)]),
) as Record<ScriptName, string>;

function load(file: string): string {
  const text = readFileSync(new URL(`./scripts/${file}`, import.meta.url), 'utf8');
  return text.replaceAll(/^-- @include (\S+)$/gm, (_, included: string) => load(included));
}
