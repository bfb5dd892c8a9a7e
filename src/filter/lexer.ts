import { asciiJson } from '../output/utf8.ts';
import { FilterError } from './filter-error.ts';

export interface Token {
  /** word: names and values; symbol: one of SYMBOLS; end: behind the last character. */
  readonly kind: 'word' | 'symbol' | 'end';
  /** A word as written, a symbol in its one spelling. */
  readonly text: string;
  /** Offset in the filter, and the characters that were written there. */
  readonly at: number;
  readonly length: number;
}

/** Longer ones in front of those they begin with. */
const SYMBOLS = ['&&', '||', '==', '!=', '<=', '>=', '=', '<', '>', '!', '(', ')', '[', ']', ','] as const;
const WORD = /[A-Za-z0-9_.:/-]+/y;
/** Blanks, and comments to the end of the line. */
const SKIPPED = /(?:\s|#[^\n]*)*/y;
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['&&', 'and'],
  ['||', 'or'],
  ['!', 'not'],
  ['==', '='],
]);

/** The words and symbols of a filter, the end as the last. Throws FilterError at a character that has no meaning. */
export function tokensOf(filter: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; ; ) {
    SKIPPED.lastIndex = at;
    SKIPPED.test(filter);
    at = SKIPPED.lastIndex;
    if (at >= filter.length) break;
    WORD.lastIndex = at;
    const word = WORD.exec(filter)?.[0];
    const symbol = SYMBOLS.find((text) => filter.startsWith(text, at));
    if (word === undefined && symbol === undefined) {
      const [character] = filter.slice(at);
      throw new FilterError(filter, at, character.length, `${asciiJson(character)} means nothing here`);
    }
    const text = word ?? symbol!;
    const kind = word === undefined ? 'symbol' : 'word';
    tokens.push({ kind, text: SPELLINGS.get(text) ?? text, at, length: text.length });
    at += text.length;
  }
  tokens.push({ kind: 'end', text: '', at: filter.trimEnd().length, length: 1 });
  return tokens;
}
