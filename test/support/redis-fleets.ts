import { after, before } from 'node:test';
import type { Redis } from 'ioredis';
import { FleetKeys } from '../../src/fleet/fleet-keys.ts';
import { RedisStore, type RedisStoreOptions } from '../../src/fleet/redis-store.ts';
import { PATIENT, RedisServer } from './redis-server.ts';

export interface Place {
  store: RedisStore;
  keys: FleetKeys;
  /** A further store in the same fleet. */
  another(options?: Partial<RedisStoreOptions>): RedisStore;
}

/** A Redis for all tests of a file, and fleets in it; everything ends with the last test. */
export class RedisFleets {
  server!: RedisServer;
  /** A client without any of what is under test. */
  raw!: Redis;
  readonly #open: RedisStore[] = [];
  #fleets = 0;

  constructor() {
    before(async () => {
      this.server = await RedisServer.start();
      this.raw = this.server.client();
    });
    after(async () => {
      for (const store of this.#open) await store.close();
      this.raw.disconnect();
      await this.server.stop();
    });
  }

  /** A store in a fleet of its own. */
  place(options: Partial<RedisStoreOptions> = {}): Place {
    const fleet = `f${this.#fleets++}`;
    let writers = 0;
    const another = (more: Partial<RedisStoreOptions> = {}): RedisStore => {
      const store = new RedisStore(`${this.server.uri}?fleet=${fleet}`, {
        writer: new Uint8Array(8).fill(++writers),
        ...options,
        ...more,
        times: { ...PATIENT, ...options.times, ...more.times },
      });
      this.#open.push(store);
      return store;
    };
    return { store: another(), keys: new FleetKeys('millrace', fleet), another };
  }
}
