import type { TemplateStore } from '../../src/templates/store.ts';
import { type Place, RedisFleets } from '../support/redis-fleets.ts';
import { storeConformance } from './store-conformance.ts';

const fleets = new RedisFleets();
const places = new WeakMap<TemplateStore, Place>();

async function open(): Promise<TemplateStore> {
  const place = fleets.place();
  places.set(place.store, place);
  return place.store;
}

storeConformance('Redis store', open, {
  openAgain: async (store) => places.get(store)!.another(),
  openWith: async (planted) => {
    const { store, keys } = fleets.place();
    for (const { scope, item, value } of planted) {
      const [templates] = keys.ofScope(scope);
      await fleets.raw.hset(templates, item, Buffer.from(value));
      await fleets.raw.zadd(keys.scopes, Date.now(), scope);
    }
    return store;
  },
});
