const MASK = '***';

/** maskValue for each word of a text. */
export function maskSecrets(text: string): string {
  return text.replace(/\S+/g, maskValue);
}

/**
 * A URI with the password, and parameters that hold secrets, replaced by ***. A password may hold characters that should have
 * been escaped, so all up to the last @ is taken for one: too much is masked rather than too little.
 */
export function maskValue(uri: string): string {
  return maskPassword(uri).replace(
    /([?&;][^?=&;\s]{0,64}(?:password|passwd|secret|token|key)[^?=&;\s]{0,64}=)(?!\*\*\*)[^&\s]+/gi,
    `$1${MASK}`,
  );
}

function maskPassword(uri: string): string {
  const end = uri.lastIndexOf('@');
  // Redis URIs are known without their slashes, too.
  const begin = /(?::\/\/|\brediss?(?:\+[a-z]{1,16})?:\/?)[^/?#\s:@]{0,256}:/.exec(uri);
  if (begin === null || end < 0) return uri;
  const password = begin.index + begin[0].length;
  return password > end ? uri : `${uri.slice(0, password)}${MASK}${uri.slice(end)}`;
}

/** In place of a text that is a secret as a whole. */
export function maskAll(text: string): string {
  return text === '' ? '' : MASK;
}
