/** YAML that a person has written, read with positions and without what such files do not need. */
import { open } from 'node:fs/promises';
import {
  type CST,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  Parser,
  parseDocument,
  type Scalar,
  stringify,
} from 'yaml';
import { describeError, MillraceError } from '../base/errors.ts';

/** Where something stands in a file: lines and columns count from 1. */
interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlText extends Position {
  readonly kind: 'text';
  /** As it is written, without quotes: nothing is made a number or a date. */
  readonly text: string;
  /** Nothing was written, or null. */
  readonly empty: boolean;
}

export interface YamlList extends Position {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlMap extends Position {
  readonly kind: 'map';
  readonly entries: readonly { readonly key: YamlText; readonly value: YamlNode }[];
}

export type YamlNode = YamlText | YamlList | YamlMap;

const MAX_DEPTH = 8;
const NULL = /^(|~|null|Null|NULL)$/;

/**
 * Reads a file of at most maxBytes. Rejects with MillraceError CONFIG_INVALID, one line with line and column, for anything
 * but maps, lists and texts: no anchors, aliases, tags, merged or repeated keys, no second document.
 */
export async function readYaml(path: string, maxBytes: number): Promise<YamlNode> {
  const text = await readText(path, maxBytes);
  const lines = new LineCounter();
  checkDepth(path, text);
  // failsafe: every scalar is a text. Repeated keys are found below, in linear time.
  const document = parseDocument(text, {
    schema: 'failsafe',
    uniqueKeys: false,
    prettyErrors: false,
    lineCounter: lines,
  });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const [reason] = error.message.split('\n');
    throw yamlError(path, { line, column: col }, YAML_REASONS[error.code] ?? reason);
  }
  return new Converter(path, lines).node(document.contents);
}

/** Reasons of the parser that are about its own programming interface, or too long. */
const YAML_REASONS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'a second document; allowed is one',
  TAG_RESOLVE_FAILED: 'tags are not allowed',
};

export function yamlError(path: string, { line, column }: Position, reason: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', `${path}:${line}:${column}: ${reason}`);
}

/** The composer of documents recurses, and near the end of the stack V8 aborts the process; the parser does not recurse. */
function checkDepth(path: string, text: string): void {
  const lines = new LineCounter();
  const stack: { token: CST.Token; depth: number }[] = [];
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === 'document' && token.value !== undefined) stack.push({ token: token.value, depth: 0 });
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { token, depth } = top;
      if (depth > MAX_DEPTH) {
        const { line, col } = lines.linePos(token.offset);
        throw yamlError(path, { line, column: col }, 'nested too deeply');
      }
      if (!('items' in token)) continue;
      for (const { key, value } of token.items) {
        for (const inner of [key, value]) if (inner) stack.push({ token: inner, depth: depth + 1 });
      }
    }
  }
}

/** The text as readYaml takes it, on one line. */
export function yamlText(text: string): string {
  if (NULL.test(text)) return JSON.stringify(text);
  return stringify(text, { schema: 'failsafe', lineWidth: 0, blockQuote: false }).trimEnd();
}

async function readText(path: string, maxBytes: number): Promise<string> {
  const buffer = Buffer.alloc(maxBytes + 1);
  let length = 0;
  try {
    const file = await open(path, 'r');
    try {
      // No more than that is ever read, whatever the size says: the path may name a device.
      for (let read = -1; read !== 0 && length <= maxBytes; length += read) {
        read = (await file.read(buffer, length, buffer.length - length)).bytesRead;
      }
    } finally {
      await file.close();
    }
  } catch (cause) {
    const reason = describeError(Object.assign(cause as Error, { path: '' }));
    throw new MillraceError('CONFIG_INVALID', `cannot read ${path}: ${reason}`, { cause });
  }
  if (length > maxBytes) {
    throw new MillraceError('CONFIG_INVALID', `${path}: allowed are up to ${maxBytes} bytes`);
  }
  return buffer.toString('utf8', 0, length);
}

class Converter {
  readonly #path: string;
  readonly #lines: LineCounter;

  constructor(path: string, lines: LineCounter) {
    this.#path = path;
    this.#lines = lines;
  }

  node(node: ParsedNode | null): YamlNode {
    const position = this.#position(node);
    if (node === null) return { kind: 'text', text: '', empty: true, ...position };
    if (isAlias(node)) throw yamlError(this.#path, position, 'aliases are not allowed');
    if (node.anchor !== undefined) throw yamlError(this.#path, position, 'anchors are not allowed');
    if (node.tag !== undefined) throw yamlError(this.#path, position, 'tags are not allowed');
    if (isScalar(node)) return this.#text(node, position);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.node(item as ParsedNode | null));
      return { kind: 'list', items, ...position };
    }
    if (!isMap(node)) throw yamlError(this.#path, position, 'allowed are keys, lists and values');
    const keys = new Set<string>();
    const entries = node.items.map((pair) => {
      const key = this.node(pair.key as ParsedNode | null);
      if (key.kind !== 'text') throw yamlError(this.#path, key, 'a key must be a name');
      if (keys.has(key.text)) throw yamlError(this.#path, key, `${JSON.stringify(key.text)} is there twice`);
      keys.add(key.text);
      return { key, value: this.node(pair.value as ParsedNode | null) };
    });
    return { kind: 'map', entries, ...position };
  }

  #text(node: Scalar, position: Position): YamlText {
    const text = String(node.value ?? '');
    return { kind: 'text', text, empty: node.type === 'PLAIN' && NULL.test(text), ...position };
  }

  #position(node: ParsedNode | null): Position {
    const { line, col } = node === null ? { line: 1, col: 1 } : this.#lines.linePos(node.range[0]);
    return { line, column: col };
  }
}
