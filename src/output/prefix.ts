import type { HeaderValue } from '../schema/values.ts';
import { ByteWriter, putBytes } from './byte-writer.ts';
import { MAX_VALUE_BYTES, PackedKeys } from './op.ts';

/** How a format writes header values. Words are written with their key, the others by `put`. */
export interface PrefixFormat {
  readonly key: (header: HeaderValue) => Uint8Array;
  readonly word: (word: string) => Uint8Array;
  readonly put: (view: DataView, at: number, header: HeaderValue) => number;
}

/** Room that a copy of a prefix needs behind it. */
export const PREFIX_SLACK_BYTES = 8;

/** What every row of a set begins with: written once per set, copied into each row. */
export class Prefix {
  /** Values that the last one written has, and its length. */
  size = 0;
  bytes = 0;
  readonly #headers: readonly HeaderValue[];
  readonly #keys: PackedKeys;
  readonly #words: readonly (readonly Uint8Array[])[];
  readonly #put: PrefixFormat['put'];
  readonly #writer = new ByteWriter(1024);

  constructor(headers: readonly HeaderValue[], format: PrefixFormat) {
    this.#headers = headers;
    this.#keys = new PackedKeys(headers.map(format.key));
    this.#words = headers.map(({ words }) => words.map(format.word));
    this.#put = format.put;
  }

  /** From the headers as they are. Returns the memory in which it stands, first in it, until the next call. */
  write(): Uint8Array {
    const headers = this.#headers;
    const writer = this.#writer;
    writer.at = 0;
    this.size = 0;
    for (let i = 0; i < headers.length; i++) {
      const header = headers[i];
      if (!header.present) continue;
      this.size++;
      const word = header.render === 'word' ? this.#words[i][header.number] : null;
      writer.reserve(this.#keys.bytes[i] + MAX_VALUE_BYTES + (word === null ? 0 : word.length));
      const at = this.#keys.put(writer.view, writer.at, i);
      writer.at = word === null ? this.#put(writer.view, at, header) : putBytes(writer.bytes, at, word);
    }
    this.bytes = writer.at;
    writer.reserve(PREFIX_SLACK_BYTES);
    return writer.bytes;
  }

  /**
   * Copies what was written last; returns the offset behind. Word by word: TypedArray.set into shared memory costs several
   * times as much for runs of this length. Up to PREFIX_SLACK_BYTES behind it are overwritten.
   */
  copyTo(view: DataView, at: number): number {
    const source = this.#writer.view;
    for (let i = 0; i < this.bytes; i += 8) {
      view.setUint32(at + i, source.getUint32(i, true), true);
      view.setUint32(at + i + 4, source.getUint32(i + 4, true), true);
    }
    return at + this.bytes;
  }
}
