import { setImmediate as turn } from 'node:timers/promises';
import { MemoryStore } from '../../src/templates/memory-store.ts';
import {
  type ClearWhat,
  type NewItem,
  type RemovalReason,
  type StoreChange,
  StoreError,
  type StoreWatcher,
  type Version,
} from '../../src/templates/store.ts';

/** A store far away: calls are performed, answered and told to the watcher when the test says so. */
export class FarStore extends MemoryStore {
  readonly calls: (() => Promise<() => void>)[] = [];
  readonly answers: (() => void)[] = [];
  readonly news: (() => void)[] = [];
  failing = false;

  override put(scope: string, items: readonly NewItem[], replacing?: Uint8Array) {
    return this.#far(() => super.put(scope, items, replacing));
  }
  override get(scope: string, item: string) {
    return this.#far(() => super.get(scope, item));
  }
  override remove(scope: string, items: readonly string[], reason: RemovalReason, version?: Version) {
    return this.#far(() => super.remove(scope, items, reason, version));
  }
  override clearScope(scope: string, what: ClearWhat, reason: RemovalReason) {
    return this.#far(() => super.clearScope(scope, what, reason));
  }
  /** What another collector does with a scope, without delay. */
  near(scope: string) {
    return {
      put: (item: string, value: Uint8Array) => super.put(scope, [{ item, value, ageMs: 0 }]),
      remove: (item: string) => super.remove(scope, [item], 'operator'),
      clear: () => super.clearScope(scope, 'all', 'operator'),
      content: () => super.getScope(scope),
    };
  }

  override watch(watcher: StoreWatcher): Promise<void> {
    return super.watch({
      resetBegin: (lost) => this.news.push(() => watcher.resetBegin(lost)),
      resetScope: (scope, items) => this.news.push(() => watcher.resetScope(scope, items)),
      resetEnd: (index) => this.news.push(() => watcher.resetEnd(index)),
      changed: (change: StoreChange, index) => this.news.push(() => watcher.changed(change, index)),
      state: (state, reason) => this.news.push(() => watcher.state(state, reason)),
    });
  }

  #far<T>(call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.calls.push(async () => {
        if (this.failing) return () => reject(new StoreError('cut'));
        const result = await call();
        return () => resolve(result);
      });
    });
  }

  async step(what: 'perform' | 'answer' | 'tell'): Promise<boolean> {
    if (what === 'perform' && this.calls.length > 0) this.answers.push(await this.calls.shift()!());
    else if (what === 'answer' && this.answers.length > 0) this.answers.shift()!();
    else if (what === 'tell' && this.news.length > 0) this.news.shift()!();
    else return false;
    // The session passes on what it has once per turn.
    await turn();
    await turn();
    return true;
  }

  async settle(): Promise<void> {
    let idle = false;
    while (!idle) {
      idle = true;
      for (const what of ['perform', 'answer', 'tell'] as const) while (await this.step(what)) idle = false;
    }
  }
}
