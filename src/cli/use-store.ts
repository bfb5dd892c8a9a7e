import { MillraceError } from '../base/errors.ts';
import { defaultStoreUri, openStore } from '../fleet/open-store.ts';
import { StoreError, type TemplateStore } from '../templates/store.ts';
import { complain } from './errors.ts';

/** Opens a store, works with it and closes it. Trouble with the store becomes a MillraceError (STORE_FAILED). */
export async function useStore<T>(
  uri: string | undefined,
  readOnly: boolean,
  work: (store: TemplateStore) => Promise<T>,
): Promise<T> {
  try {
    const store = await openStore(uri ?? defaultStoreUri(process.env), { readOnly, notice: complain });
    let result: T;
    try {
      result = await work(store);
    } catch (error) {
      await store.close().catch(() => {});
      throw error;
    }
    await store.close();
    return result;
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new MillraceError('STORE_FAILED', error.message, { cause: error });
  }
}
