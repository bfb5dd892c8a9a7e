import type { StoreReport } from '../dispatch/store-host.ts';

/** Something that has to hold before a balancer should send datagrams here. */
export interface ReadyCondition {
  readonly name: string;
  /** null when it holds, else why not, in a few words. */
  readonly problem: () => string | null;
  /** What is to be said although it holds; null for nothing. */
  readonly remark: () => string | null;
}

export interface ReadyReport {
  ready: boolean;
  conditions: { name: string; ready: boolean; reason: string | null }[];
}

/** Whether the collector is ready: every condition holds. Parts of the program add their own. */
export class Readiness {
  readonly #conditions: ReadyCondition[] = [];

  add(name: string, problem: ReadyCondition['problem'], remark: ReadyCondition['remark'] = () => null): void {
    this.#conditions.push({ name, problem, remark });
  }

  report(): ReadyReport {
    const conditions = this.#conditions.map(({ name, problem, remark }) => {
      const reason = problem();
      return { name, ready: reason === null, reason: reason ?? remark() };
    });
    return { ready: conditions.every(({ ready }) => ready), conditions };
  }
}

/**
 * Why a template store keeps the collector from being ready: its content has not arrived yet, or it has changes that cannot
 * be understood. A store that is lost later is no reason: what is known goes on to serve.
 */
export function storeProblem(store: StoreReport | null, optional: boolean): string | null {
  if (store === null) return null;
  const awaited = store.state === 'connecting' || store.state === 'syncing';
  return store.state === 'blocked' || (awaited && !optional) ? storeTrouble(store) : null;
}

/** What is wrong with the template store, if anything. */
export function storeTrouble(store: StoreReport | null): string | null {
  if (store === null || store.state === 'synced') return null;
  return store.reason === '' ? store.state : `${store.state}, ${store.reason}`;
}
