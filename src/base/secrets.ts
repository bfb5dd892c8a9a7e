const MASK = '***';

/**
 * The text with passwords of URLs, and parameters that hold secrets, replaced by ***. A password may hold what should have
 * been percent-encoded, so it ends with the last @.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(/(:\/\/[^/?#\s:@]*):\S*@/g, `$1:${MASK}@`)
    .replace(/([?&;][^=&;\s]*(?:password|passwd|secret|token|key)[^=&;\s]*=)[^&;\s#]+/gi, `$1${MASK}`);
}

/** In place of a text that is a secret as a whole. */
export function maskAll(text: string): string {
  return text === '' ? '' : MASK;
}
