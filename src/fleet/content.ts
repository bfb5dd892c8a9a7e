import type { StoreChange } from '../templates/store.ts';
import { isCleared } from '../templates/stored-value.ts';

/** Content of a store: the fold of its changes. */
export type StoreContent = Map<string, Map<string, Uint8Array>>;

/** Does a change to content. Pure but for the content itself, and the same wherever it is done. */
export function applyChange(content: StoreContent, change: StoreChange): void {
  const items = content.get(change.scope) ?? new Map<string, Uint8Array>();
  content.set(change.scope, items);
  if (change.type === 'put') for (const { item, value } of change.items) items.set(item, value);
  else if (change.type === 'remove') for (const item of change.items) items.delete(item);
  else for (const [item, value] of items) if (isCleared(value, change.what)) items.delete(item);
  if (items.size === 0) content.delete(change.scope);
}

/** Content in one order, for comparing. */
export function contentLines(content: StoreContent): string[] {
  const lines: string[] = [];
  for (const [scope, items] of content)
    for (const [item, value] of items) lines.push(`${scope}\t${item}\t${Buffer.from(value).toString('hex')}`);
  return lines.sort();
}
