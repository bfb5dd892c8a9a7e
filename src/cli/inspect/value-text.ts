import type { FieldValue } from '../../decode/lists.ts';
import type { Render } from '../../decode/plan.ts';
import { escapeHidden } from '../../output/utf8.ts';

/** Characters of a value that are shown. */
export const MAX_VALUE_CHARACTERS = 256;

/** A value of a record; nothing in it acts on a terminal. */
export function valueText(value: FieldValue, render: Render): string {
  if (typeof value === 'object') return cut(escapeHidden(JSON.stringify(value, replaceBigint)));
  const text = String(value);
  switch (render) {
    case 'string':
      return cut(escapeHidden(JSON.stringify(text)));
    case 'octets':
    case 'list':
      return text === '' ? 'no octets' : cut(`0x${text}`);
    default:
      return text;
  }
}

function replaceBigint(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function cut(text: string): string {
  if (text.length <= MAX_VALUE_CHARACTERS) return text;
  return `${text.slice(0, MAX_VALUE_CHARACTERS)}... (${text.length} characters)`;
}
