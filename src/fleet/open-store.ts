import { StoreError, type TemplateStore } from '../templates/store.ts';
import { RedisStore } from './redis-store.ts';
import { isRedisUri } from './redis-uri.ts';

export interface OpenStoreOptions {
  /** 16 hexadecimal digits that name this collector. */
  writer: string;
}

/** Opens the store that a URI names. */
export async function openStore(uri: string, { writer }: OpenStoreOptions): Promise<TemplateStore> {
  if (isRedisUri(uri)) return new RedisStore(uri, { writer: Buffer.from(writer, 'hex') });
  throw new StoreError(`unknown kind of store`, true);
}
