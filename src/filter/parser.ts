import { suggestion } from '../base/nearest.ts';
import { COMPARATORS, type Comparator, type Expression, keysOf, type ValueTest } from './expression.ts';
import { FilterError } from './filter-error.ts';
import { type Token, tokensOf } from './lexer.ts';
import { allowedValues, numberOf, PROTOCOL_NUMBERS, rangeOf } from './value-text.ts';
import { ALONE, CONTINUATIONS, NOT_HERE, TERMS, type Term } from './words.ts';

/** What a filter may be at most: filters also come over HTTP. */
export const FILTER_LIMITS = Object.freeze({
  characters: 8_192,
  /** Parentheses and nots inside each other. */
  depth: 64,
});

/** A filter, ready to be used on batches (BatchFilter). Immutable. */
export interface Filter {
  /** What was parsed. */
  readonly text: string;
  /** @internal */
  readonly expression: Expression;
  /** The keys of the native record that it looks at. */
  readonly keys: ReadonlySet<string>;
}

/** Reads a filter (docs/filter.md). Throws FilterError, which says in which column the mistake is. */
export function parseFilter(text: string): Filter {
  if (typeof text !== 'string') throw new TypeError('parseFilter: a text is expected');
  const { characters } = FILTER_LIMITS;
  if (text.length > characters) {
    const length = `the filter has ${text.length} characters; allowed are ${characters}`;
    throw new FilterError(`${text.slice(0, 40)}...`, 0, 1, length);
  }
  const expression = new Parser(text).filter();
  return { text, expression, keys: keysOf(expression) };
}

/** Of a filter; a TypeError for anything else, above all for the text of one. */
export function expressionOf(filter: Filter): Expression {
  if (typeof filter?.expression !== 'object')
    throw new TypeError('a filter is expected, as parseFilter gives it');
  return filter.expression;
}

const COMPARATOR_WORDS: ReadonlyMap<string, Comparator> = new Map([
  ['eq', '='],
  ['ne', '!='],
  ['lt', '<'],
  ['le', '<='],
  ['gt', '>'],
  ['ge', '>='],
]);

/**
 * ```
 * filter      = any { "or" any }
 * any         = one { "and" one }
 * one         = "not" one | "(" filter ")" | phrase [ comparator ] value | phrase "in" "[" value { [","] value } "]"
 * ```
 */
class Parser {
  readonly #filter: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(filter: string) {
    this.#filter = filter;
    this.#tokens = tokensOf(filter);
  }

  filter(): Expression {
    if (this.#peek().kind === 'end') this.#fail(this.#peek(), 'a filter is expected, such as proto tcp');
    const expression = this.#joined('or');
    const rest = this.#peek();
    if (rest.text === ')') this.#fail(rest, 'no parenthesis is open here');
    if (rest.kind !== 'end') {
      const hint = suggestion(rest.text.toLowerCase(), ['and', 'or']);
      this.#fail(rest, `and, or or the end is expected, not ${quoted(rest)}${hint}`);
    }
    return expression;
  }

  #joined(kind: 'and' | 'or'): Expression {
    const part = (): Expression => (kind === 'or' ? this.#joined('and') : this.#one());
    const of = [part()];
    while (this.#takeWord(kind)) of.push(part());
    return of.length === 1 ? of[0] : { kind, of };
  }

  #one(): Expression {
    const token = this.#peek();
    if (this.#takeWord('not')) return { kind: 'not', of: this.#deeper(token, () => this.#one()) };
    if (token.text !== '(') return this.#term();
    this.#next++;
    const inside = this.#deeper(token, () => this.#joined('or'));
    const close = this.#peek();
    if (close.text !== ')') {
      const open = `the parenthesis of column ${token.at + 1}`;
      this.#fail(close, `and, or or the end of ${open} is expected, not ${quoted(close)}`);
    }
    this.#next++;
    return inside;
  }

  #deeper(token: Token, parse: () => Expression): Expression {
    if (++this.#depth > FILTER_LIMITS.depth)
      this.#fail(token, `deeper than ${FILTER_LIMITS.depth} parentheses and nots`);
    const expression = parse();
    this.#depth--;
    return expression;
  }

  #term(): Expression {
    const phrase = this.#phrase();
    const meaning = ALONE.get(phrase);
    if (meaning === '') return { kind: 'any' };
    if (meaning !== undefined) return new Parser(meaning).filter();
    const term = TERMS.get(phrase)!;
    return { kind: 'test', fields: term.fields, test: this.#test(term, phrase) };
  }

  /** The longest phrase of the table that stands here. */
  #phrase(): string {
    let phrase = '';
    for (;;) {
      const token = this.#peek();
      const word = token.text.toLowerCase();
      const known = CONTINUATIONS.get(phrase);
      if (token.kind === 'word' && known?.has(word)) {
        phrase = phrase === '' ? word : `${phrase} ${word}`;
        this.#next++;
        continue;
      }
      if (TERMS.has(phrase) || ALONE.has(phrase)) return phrase;
      this.#failPhrase(token, phrase, known ?? new Set());
    }
  }

  #failPhrase(token: Token, phrase: string, known: ReadonlySet<string>): never {
    const word = token.text.toLowerCase();
    const hint = suggestion(word, known);
    if (phrase !== '') {
      const allowed = [...known].join(', ');
      this.#fail(token, `after ${phrase} is expected ${allowed}, not ${quoted(token)}${hint}`);
    }
    if (token.kind !== 'word')
      this.#fail(token, `a word such as proto or port is expected, not ${quoted(token)}`);
    const protocol = PROTOCOL_NUMBERS.has(word) ? `; did you mean proto ${word}?` : undefined;
    const instead = NOT_HERE.has(word) ? `; ${NOT_HERE.get(word)}` : undefined;
    this.#fail(token, `unknown word ${quoted(token)}${protocol ?? instead ?? hint}`);
  }

  #test(term: Term, phrase: string): ValueTest {
    const token = this.#peek();
    if (token.kind === 'word' && token.text.toLowerCase() === 'in') {
      this.#next++;
      return this.#list(term, phrase);
    }
    const comparator = this.#comparator();
    if (term.kind === 'address') {
      if (comparator !== undefined && comparator !== '=')
        this.#fail(token, `${phrase} has no order; allowed is =, or not in front of it`);
      return { is: 'within', ranges: [this.#value(rangeOf, term, phrase)] };
    }
    const letters = /^[a-z]/i.test(this.#peek().text);
    const value = this.#value((text) => numberOf(text, term), term, phrase);
    // Letters of flags say which have to be on; with a comparator they are a number.
    if (term.kind === 'flags' && letters && comparator === undefined) return { is: 'bits', mask: value };
    return { is: 'compared', comparator: comparator ?? '=', value };
  }

  #comparator(): Comparator | undefined {
    const { kind, text } = this.#peek();
    const found =
      kind === 'symbol'
        ? COMPARATORS.find((symbol) => symbol === text)
        : COMPARATOR_WORDS.get(text.toLowerCase());
    if (found !== undefined) this.#next++;
    return found;
  }

  #list(term: Term, phrase: string): ValueTest {
    const open = this.#peek();
    if (open.text !== '[')
      this.#fail(open, `after in is expected a list such as [1 2 3], not ${quoted(open)}`);
    this.#next++;
    const values = <T>(read: (text: string) => T | null): T[] => {
      const list = [this.#value(read, term, phrase)];
      for (; this.#peek().text !== ']'; list.push(this.#value(read, term, phrase))) {
        if (this.#peek().text === ',') this.#next++;
        if (this.#peek().kind === 'end')
          this.#fail(this.#peek(), `the list of column ${open.at + 1} has no ]`);
      }
      this.#next++;
      return list;
    };
    if (term.kind === 'address') return { is: 'within', ranges: values(rangeOf) };
    return { is: 'one-of', values: new Set(values((text) => numberOf(text, term))) };
  }

  #value<T>(read: (text: string) => T | null, term: Term, phrase: string): T {
    const token = this.#peek();
    const value = token.kind === 'word' ? read(token.text) : null;
    if (value === null) {
      const names = term.kind === 'protocol' ? PROTOCOL_NUMBERS.keys() : [];
      const hint = suggestion(token.text.toLowerCase(), names);
      const allowed = allowedValues(term);
      this.#fail(token, `${quoted(token)} is no value of ${phrase}${hint}; allowed is ${allowed}`);
    }
    this.#next++;
    return value;
  }

  #peek(): Token {
    return this.#tokens[this.#next];
  }

  #takeWord(word: string): boolean {
    const taken = this.#peek().text.toLowerCase() === word;
    if (taken) this.#next++;
    return taken;
  }

  #fail({ at, length }: Token, text: string): never {
    throw new FilterError(this.#filter, at, length, text);
  }
}

function quoted({ kind, text }: Token): string {
  return kind === 'end' ? 'the end' : JSON.stringify(text);
}
