import { STATE_LIMITS } from './state-limits.ts';

const decoder = new TextDecoder('utf-8');
const encoder = new TextEncoder();
const CONTROL = /\p{Cc}/gu;

/**
 * Makes a name out of octets from the network: UTF-8 in which nothing is invalid (U+FFFD stands for what was), without
 * control characters, NUL padding among them, and not longer than the limit. Main thread; reused for every name.
 */
export class NameText {
  /** The result: the first octets of this. */
  readonly bytes = new Uint8Array(STATE_LIMITS.maxNameBytes);
  /** Whether the last name was cut to fit. */
  cut = false;

  /** Returns the number of octets of the result; 0 when nothing is left. */
  set(source: Uint8Array, start: number, length: number): number {
    this.cut = false;
    let end = start + length;
    while (end > start && source[end - 1] === 0) end--;
    if (end - start <= this.bytes.length && isPlain(source, start, end)) {
      for (let at = start; at < end; at++) this.bytes[at - start] = source[at];
      return end - start;
    }
    const text = decoder.decode(source.subarray(start, end)).replace(CONTROL, '');
    // encodeInto stops before a character that does not fit whole.
    const { read, written } = encoder.encodeInto(text, this.bytes);
    this.cut = read < text.length;
    return written;
  }
}

function isPlain(source: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (source[at] < 0x20 || source[at] > 0x7e) return false;
  return true;
}
