import { FilterError } from '../filter/filter-error.ts';
import { type Filter, parseFilter } from '../filter/parser.ts';
import { usageError } from './errors.ts';

/** The filter of `--filter`; undefined for none. Throws MillraceError CONFIG_INVALID that shows the place of a mistake. */
export function filterOf(text: string | undefined): Filter | undefined {
  if (text === undefined) return undefined;
  try {
    return parseFilter(text);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    throw usageError(`--filter: ${error.message}`, error.detail);
  }
}
