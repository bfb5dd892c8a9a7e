import { MillraceError } from '../base/errors.ts';

/** A mistake in a filter. The message is one line with the column; `detail` shows the place. */
export class FilterError extends MillraceError {
  /** Column of the mistake, from 1, in UTF-16 code units. */
  readonly column: number;

  /** at: offset of the mistake in the filter, which is `length` long. */
  constructor(filter: string, at: number, length: number, text: string) {
    const mark = `${' '.repeat(at)}${'^'.repeat(Math.max(1, length))}`;
    super('CONFIG_INVALID', `column ${at + 1}: ${text}`, { detail: `  ${shown(filter)}\n  ${mark}` });
    this.column = at + 1;
  }
}

/** The filter on one line, every character in its column. */
function shown(filter: string): string {
  return filter.replace(/[\p{C}\p{Z}]/gu, (unit) => ' '.repeat(unit.length));
}
