import { defaultStoreUri, openStore } from '../fleet/open-store.ts';
import type { TemplateStore } from '../templates/store.ts';
import { complain } from './errors.ts';

/** Opens a store, works with it and closes it. */
export async function useStore<T>(
  uri: string | undefined,
  readOnly: boolean,
  work: (store: TemplateStore) => Promise<T>,
): Promise<T> {
  const store = await openStore(uri ?? defaultStoreUri(), { readOnly, notice: complain });
  let result: T;
  try {
    result = await work(store);
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }
  await store.close();
  return result;
}
