import type { StoredItem } from '../templates/store.ts';
import { STORE_LIMITS } from '../templates/store.ts';
import type { ToStore } from './messages.ts';

type Put = { item: string; value: Uint8Array; arrivedAtMs: number };
type Remove = Extract<ToStore, { type: 'remove' }>;

/** One call of the store. Items of a put are one template, or exporter state. */
export type Operation = (
  | { type: 'put'; scope: string; items: Put[] }
  | { type: 'touch'; scope: string; items: string[] }
  | Remove
) & {
  /** How often a working store has refused it. */
  refused?: number;
};

/** Operations that wait, over all scopes; a busy fleet writes a few hundred a second. */
export const MAX_QUEUED_WRITES = 65_536;

/**
 * Writes that wait, in order within each scope; scopes take turns. What is overtaken by a later value of the same item is
 * left out where no other operation stands between.
 */
export class WriteQueue {
  readonly #lanes = new Map<string, Operation[]>();
  /** Scopes with an operation that may be started, in turn. */
  readonly #ready = new Set<string>();
  readonly #busy = new Map<string, Operation>();
  readonly #overflowed = new Set<string>();
  /** Operations that wait or are under way. */
  length = 0;

  /**
   * replaced: it took the place of one that waited. full: there is no room; the scope is remembered, and everything of it
   * has to be put again.
   */
  add(request: Exclude<ToStore, { type: 'miss' }>): 'added' | 'replaced' | 'full' {
    const { scope } = request;
    if (this.length >= MAX_QUEUED_WRITES) {
      this.#overflowed.add(scope);
      return 'full';
    }
    let lane = this.#lanes.get(scope);
    if (lane === undefined) this.#lanes.set(scope, (lane = []));
    const joined = join(lane.at(-1), request);
    if (joined === 'no') {
      lane.push(operationOf(request));
      this.length++;
    }
    if (!this.#busy.has(scope)) this.#ready.add(scope);
    return joined === 'replaced' ? 'replaced' : 'added';
  }

  /** The next operation to perform; null when there is none. It is done or given back later. */
  take(): Operation | null {
    for (const scope of this.#ready) {
      this.#ready.delete(scope);
      const operation = this.#lanes.get(scope)!.shift()!;
      this.#busy.set(scope, operation);
      return operation;
    }
    return null;
  }

  done({ scope }: Operation): void {
    this.length--;
    this.#busy.delete(scope);
    if (this.#lanes.get(scope)!.length > 0) this.#ready.add(scope);
    else this.#lanes.delete(scope);
  }

  giveBack(operation: Operation): void {
    this.#busy.delete(operation.scope);
    this.#lanes.get(operation.scope)!.unshift(operation);
    this.#ready.add(operation.scope);
  }

  /** The content of a scope as it will be when the writes that wait or are under way are made. */
  after(scope: string, content: readonly StoredItem[]): StoredItem[] {
    const items = new Map(content.map((stored) => [stored.item, stored]));
    const busy = this.#busy.get(scope);
    const operations = this.#lanes.get(scope) ?? [];
    for (const operation of busy === undefined ? operations : [busy, ...operations]) {
      if (operation.type === 'remove') items.delete(operation.item);
      else if (operation.type === 'put') {
        for (const { item, value } of operation.items) items.set(item, { item, value, idleMs: 0 });
      }
    }
    return [...items.values()];
  }

  scopes(): Iterable<string> {
    return this.#lanes.keys();
  }

  /** Scopes of which something found no room, once. */
  takeOverflowed(): string[] {
    const scopes = [...this.#overflowed];
    this.#overflowed.clear();
    return scopes;
  }
}

function operationOf(request: Exclude<ToStore, { type: 'miss' }>): Operation {
  if (request.type === 'put') return { type: 'put', scope: request.scope, items: [putOf(request)] };
  if (request.type === 'touch') return { type: 'touch', scope: request.scope, items: [request.item] };
  return request;
}

function putOf({ item, value, arrivedAtMs }: Put): Put {
  return { item, value, arrivedAtMs };
}

/** Makes the request a part of the last operation that waits, if it can be one. */
function join(
  last: Operation | undefined,
  request: Exclude<ToStore, { type: 'miss' }>,
): 'no' | 'joined' | 'replaced' {
  if (last?.type === 'touch' && request.type === 'touch') {
    if (!last.items.includes(request.item)) last.items.push(request.item);
    return 'joined';
  }
  if (last?.type !== 'put' || request.type !== 'put') return 'no';
  const known = last.items.findIndex(({ item }) => item === request.item);
  if (known >= 0) {
    last.items[known] = putOf(request);
    return 'replaced';
  }
  const room = last.items.length < STORE_LIMITS.maxItemsPerPut;
  if (!room || !isState(request.item) || !isState(last.items[0].item)) return 'no';
  last.items.push(putOf(request));
  return 'joined';
}

function isState(item: string): boolean {
  return item.startsWith('state/');
}
