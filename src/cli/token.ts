import { readFile } from 'node:fs/promises';
import { describeError } from '../base/errors.ts';
import { parseToken } from '../config/values.ts';
import { usageError } from './errors.ts';

interface TokenOptions {
  readonly httpToken: string | undefined;
  readonly httpTokenFile: string | undefined;
}

/** The bearer token of `--http-token` or `--http-token-file`; null when there is none. Rejects with CONFIG_INVALID. */
export async function tokenOf({ httpToken, httpTokenFile: file }: TokenOptions): Promise<string | null> {
  if (httpToken !== undefined && file !== undefined)
    throw usageError('--http-token and --http-token-file exclude each other');
  if (file === undefined) return httpToken ?? null;
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw usageError(`--http-token-file ${JSON.stringify(file)}: ${describeError(error)}`);
  }
  const token = parseToken(text.split('\n')[0].trim());
  if (token !== undefined) return token;
  throw usageError(
    `--http-token-file ${JSON.stringify(file)}: allowed are 16 to 256 printable ASCII characters without spaces`,
  );
}
