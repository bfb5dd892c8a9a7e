/**
 * The only file that waits on shared words or wakes who waits. Every wait is finite: a wake-up that is missed costs one
 * slice of time, never a hang; callers loop.
 */
export const SLICE_MS = 2;
const ASYNC_SLICE_MS = 100;

/** Sleeps while the word has this value, for one slice at most. Never on the main thread. */
export function sleep(words: Int32Array, word: number, value: number): void {
  Atomics.wait(words, word, value, SLICE_MS);
}

/** Resolves when the word is woken while it had this value, or after one slice; null when it has another value already. */
export function changed(words: Int32Array, word: number, value: number): Promise<void> | null {
  const waiting = Atomics.waitAsync(words, word, value, ASYNC_SLICE_MS);
  if (!waiting.async) return waiting.value === 'not-equal' ? null : Promise.resolve();
  return waiting.value.then(() => {});
}

/** Wakes everybody who waits on the word. */
export function wake(words: Int32Array, word: number): void {
  Atomics.notify(words, word);
}
