const MASK = '***';

/**
 * The text with passwords of URLs, and parameters that hold secrets, replaced by ***. A password may hold characters that
 * should have been escaped, so all up to the last @ is taken for one: too much is masked rather than too little.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(/(:\/\/[^/?#\s:@]{0,256}):[^\s"']{0,256}@/g, `$1:${MASK}@`)
    .replace(/([?&;][^=&;\s]*(?:password|passwd|secret|token|key)[^=&;\s]*=)[^&;\s#]+/gi, `$1${MASK}`);
}

/** In place of a text that is a secret as a whole. */
export function maskAll(text: string): string {
  return text === '' ? '' : MASK;
}
