import { after, before } from 'node:test';
import type { Redis } from 'ioredis';
import { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import { RedisStore } from '../../src/fleet/redis-store.ts';
import type { TemplateStore } from '../../src/templates/store.ts';
import { RedisServer } from '../support/redis-server.ts';
import { storeConformance } from './store-conformance.ts';

let server: RedisServer;
let raw: Redis;
let writers = 0;
let fleets = 0;
const fleetOf = new WeakMap<TemplateStore, string>();

before(async () => {
  server = await RedisServer.start();
  raw = server.client();
});
after(async () => {
  raw.disconnect();
  await server.stop();
});

async function open(fleet = `fleet-${++fleets}`): Promise<TemplateStore> {
  const writer = new Uint8Array(8).fill(++writers);
  const store = new RedisStore(`${server.uri}?fleet=${fleet}`, { writer });
  fleetOf.set(store, fleet);
  return store;
}

storeConformance('Redis store', () => open(), {
  openAgain: (store) => open(fleetOf.get(store)),
  openWith: async (planted) => {
    const fleet = `fleet-${++fleets}`;
    const keys = new FleetKeys('millrace', fleet);
    for (const { scope, item, value } of planted) {
      const [templates] = keys.ofScope(scope);
      await raw.hset(templates, item, Buffer.from(value));
      await raw.zadd(keys.scopes, Date.now(), scope);
    }
    return open(fleet);
  },
});
