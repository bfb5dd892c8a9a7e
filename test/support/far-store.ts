import { setImmediate as turn } from 'node:timers/promises';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import {
  type ClearWhat,
  type NewItem,
  type RemovalReason,
  type StoreChange,
  type StoredItem,
  StoreError,
  type StoreWatcher,
  type TemplateStore,
  type Version,
} from '../../src/templates/store.ts';

/** What many far stores have in common. It can forget, which each finds out in its own time. */
export class CommonStore {
  readonly scopes = new Set<string>();
  readonly watchers = new Set<(change: StoreChange, index: number) => void>();
  store!: MemoryStore;
  index = 0;

  constructor() {
    this.forget();
  }

  /** Begins anew with what is left of it. */
  forget(left: ReadonlyMap<string, readonly StoredItem[]> = new Map()): void {
    this.store = new MemoryStore();
    this.watchers.clear();
    this.index = 0;
    void this.store.watch({
      resetBegin: () => {},
      resetScope: () => {},
      resetEnd: () => {},
      state: () => {},
      changed: (change, index) => {
        this.index = index;
        this.scopes.add(change.scope);
        for (const told of this.watchers) told(change, index);
      },
    });
    for (const [scope, items] of left)
      for (const { item, value } of items) void this.store.put(scope, [{ item, value, ageMs: 0 }]);
  }

  async content(): Promise<Map<string, readonly StoredItem[]>> {
    const content = new Map<string, readonly StoredItem[]>();
    for (const scope of this.scopes) content.set(scope, await this.store.getScope(scope));
    return content;
  }
}

/** A store far away: calls are performed, answered and told to the watcher when the test says so. */
export class FarStore implements TemplateStore {
  readonly #common: CommonStore;
  readonly #calls: { perform: () => Promise<() => void>; fail: () => void }[] = [];
  readonly #answers: { give: () => void; fail: () => void }[] = [];
  readonly #news: (() => void)[] = [];
  #watcher: StoreWatcher | null = null;
  failing = false;
  /** Cut off: calls are rejected at once, and nothing is told. */
  #cut = false;
  /** Whether the common store forgot something since the last reset that was told whole. */
  #lost = false;

  constructor(common = new CommonStore()) {
    this.#common = common;
  }

  put(scope: string, items: readonly NewItem[], replacing?: Uint8Array) {
    return this.#far(() => this.#common.store.put(scope, items, replacing));
  }
  get(scope: string, item: string) {
    return this.#far(() => this.#common.store.get(scope, item));
  }
  getScope(scope: string) {
    return this.#common.store.getScope(scope);
  }
  touch(scope: string, items: readonly string[]) {
    return this.#far(() => this.#common.store.touch(scope, items));
  }
  remove(scope: string, items: readonly string[], reason: RemovalReason, version?: Version) {
    return this.#far(() => this.#common.store.remove(scope, items, reason, version));
  }
  clearScope(scope: string, what: ClearWhat, reason: RemovalReason) {
    return this.#far(() => this.#common.store.clearScope(scope, what, reason));
  }

  /** What another collector does with a scope, without delay. */
  near(scope: string) {
    const { store } = this.#common;
    return {
      put: (item: string, value: Uint8Array) => store.put(scope, [{ item, value, ageMs: 0 }]),
      remove: (item: string) => store.remove(scope, [item], 'operator'),
      clear: () => store.clearScope(scope, 'all', 'operator'),
      content: () => store.getScope(scope),
    };
  }

  async watch(watcher: StoreWatcher): Promise<void> {
    this.#watcher = watcher;
    await this.reset(false);
  }

  async close(): Promise<void> {
    this.#common.watchers.delete(this.#told);
    this.#watcher = null;
    this.#calls.length = 0;
    this.#answers.length = 0;
    this.#news.length = 0;
  }

  readonly #told = (change: StoreChange, index: number): void => {
    this.#news.push(() => this.#watcher?.changed(change, index));
  };

  /** Whether the common store has forgotten something since this one last read it. */
  get outdated(): boolean {
    return !this.#common.watchers.has(this.#told);
  }

  /** Everything is read anew. What was answered before that is known by then; what was not told yet never is. */
  async reset(lost: boolean): Promise<void> {
    while (await this.step('answer'));
    const content = await this.#common.content();
    const { index } = this.#common;
    this.#news.length = 0;
    this.#lost ||= lost;
    this.#news.push(() => this.#watcher?.resetBegin(this.#lost));
    for (const [scope, items] of content) this.#news.push(() => this.#watcher?.resetScope(scope, items));
    this.#news.push(
      () => {
        this.#lost = false;
        this.#watcher?.resetEnd(index);
      },
      () => this.#watcher?.state('synced', ''),
    );
    this.#common.watchers.add(this.#told);
  }

  /** The connection ends: nobody learns whether calls had an effect. */
  cut(): void {
    this.#cut = true;
    this.#watcher?.state('degraded', 'cut');
    for (const { fail } of [...this.#answers, ...this.#calls]) fail();
    this.#answers.length = 0;
    this.#calls.length = 0;
  }

  mend(): void {
    this.#cut = false;
    this.#news.push(() => this.#watcher?.state('synced', ''));
  }

  #far<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new StoreError('cut'));
      if (this.#cut) return fail();
      const perform = async (): Promise<() => void> => {
        if (this.failing) return fail;
        const result = await call();
        return () => resolve(result);
      };
      this.#calls.push({ perform, fail });
    });
  }

  async step(what: 'perform' | 'answer' | 'tell'): Promise<boolean> {
    if (what === 'perform' && this.#calls.length > 0) {
      const { perform, fail } = this.#calls.shift()!;
      this.#answers.push({ give: await perform(), fail });
    } else if (what === 'answer' && this.#answers.length > 0) this.#answers.shift()!.give();
    else if (what === 'tell' && this.#news.length > 0 && !this.#cut) this.#news.shift()!();
    else return false;
    // The session passes on what it has once per turn.
    await turn();
    await turn();
    return true;
  }

  /** Whether anything was under way. */
  async settle(): Promise<boolean> {
    let moved = false;
    for (let idle = false; !idle; ) {
      idle = true;
      for (const what of ['perform', 'answer', 'tell'] as const)
        while (await this.step(what)) [moved, idle] = [true, false];
    }
    return moved;
  }
}
