import { assert } from '../base/assert.ts';

/**
 * Source text that is safe to compile: made from literals of this code base and integers only. The class cannot be made
 * from a string elsewhere, so nothing that came over the network can become part of it.
 */
export class Code {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  static tag(literals: TemplateStringsArray, parts: readonly SourcePart[]): Code {
    let text = literals[0];
    for (let i = 0; i < parts.length; i++) text += textOf(parts[i]) + literals[i + 1];
    return new Code(text);
  }

  static join(parts: readonly Code[]): Code {
    return new Code(parts.map(textOf).join(''));
  }
}

export type SourcePart = number | Code;

/** Tagged template: interpolates integers and other code, nothing else. */
export function code(literals: TemplateStringsArray, ...parts: SourcePart[]): Code {
  return Code.tag(literals, parts);
}

export function join(parts: readonly Code[]): Code {
  return Code.join(parts);
}

function textOf(part: SourcePart): string {
  if (part instanceof Code) return part.text;
  assert(
    Number.isInteger(part) && part >= 0 && part <= 0xffffffff,
    'source text takes unsigned 32-bit integers',
  );
  return String(part);
}
