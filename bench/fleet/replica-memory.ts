import v8 from 'node:v8';
import vm from 'node:vm';
import { Decoder } from '../../src/decoder.ts';
import type { StoreWatcher, TemplateStore } from '../../src/templates/store.ts';
import { scopeOf, TEMPLATES_PER_SCOPE, templatesOf } from './templates.ts';

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc') as () => void;

const unused = async (): Promise<never> => {
  throw new Error('nobody asks for this');
};

/** A store that only tells what it has, and keeps none of it. */
function telling(scopes: number): TemplateStore {
  return {
    get: unused,
    getScope: unused,
    put: unused,
    touch: unused,
    remove: unused,
    clearScope: unused,
    async watch(watcher: StoreWatcher): Promise<void> {
      watcher.resetBegin(false);
      for (let n = 0; n < scopes; n++) {
        const scope = scopeOf(n);
        watcher.resetScope(
          scope,
          templatesOf(scope).map(({ item, value }) => ({ item, value, idleMs: 0 })),
        );
      }
      watcher.resetEnd(1);
      watcher.state('synced', '');
    },
    async close(): Promise<void> {},
  };
}

async function used(): Promise<number> {
  // What the first takes may hold on to more until the next turn.
  for (let i = 0; i < 3; i++) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Octets of this process for all templates of so many scopes that are known and whose exporters have not been seen. */
export async function replicaMemory(scopes: number): Promise<{ templates: number; bytes: number }> {
  const decoder = new Decoder();
  const before = await used();
  const share = await decoder.share(telling(scopes));
  const bytes = (await used()) - before;
  await share.close();
  return { templates: scopes * TEMPLATES_PER_SCOPE, bytes };
}
