import { StoreError, type TemplateStore } from '../templates/store.ts';

export interface OpenStoreOptions {
  /** 16 hexadecimal digits that name this collector. */
  writer: string;
}

/** Opens the store that a URI names. */
export function openStore(uri: string, _options: OpenStoreOptions): Promise<TemplateStore> {
  throw new StoreError(`unknown kind of store: ${uri}`, true);
}
