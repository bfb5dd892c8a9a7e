import { openStore } from '../fleet/open-store.ts';
import type { StoreState } from '../templates/store.ts';

export interface StoreTrial {
  /** Scopes in the store. */
  scopes: number;
  state: StoreState;
  /** What the store says of itself, one line without secrets. */
  said: string;
}

/** Reads a template store that other collectors may be using, as a collector does at its start. Rejects with a StoreError. */
export async function tryStore(uri: string): Promise<StoreTrial> {
  const store = await openStore(uri, { readOnly: true });
  const trial: StoreTrial = { scopes: 0, state: 'connecting', said: '' };
  try {
    await store.watch({
      resetBegin: () => {
        trial.scopes = 0;
      },
      resetScope: () => {
        trial.scopes++;
      },
      resetEnd: () => {},
      changed: () => {},
      state: (state, said) => {
        trial.state = state;
        trial.said = said;
      },
    });
    return trial;
  } finally {
    await store.close();
  }
}
