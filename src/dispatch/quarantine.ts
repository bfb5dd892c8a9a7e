import fsPromises, { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../base/clock.ts';
import { countText } from '../base/count-text.ts';
import { describeError, MillraceError } from '../base/errors.ts';
import { makeDirectory } from '../base/make-directory.ts';
import type { ElementLookup } from '../elements/element.ts';
import { RecordOffset } from '../memory/layout.ts';
import type { SharedMemory } from '../memory/shared-memory.ts';
import type { WorkItems } from '../memory/work-items.ts';
import { DgramsWriter } from '../receive/capture/writer.ts';
import { entryIsOptions, entryLayout, entryTemplateId } from '../templates/shared-entries.ts';
import { MessageHeader } from '../wire/header.ts';
import { templateMessage } from './template-message.ts';

export interface QuarantineLimits {
  maxFiles: number;
  maxBytes: number;
}
export const DEFAULT_QUARANTINE_LIMITS: Readonly<QuarantineLimits> = {
  maxFiles: 1_000,
  maxBytes: 64 * 1024 * 1024,
};

/**
 * Keeps datagrams that ended a worker twice, for whoever will find out why: one `.dgrams` file each, with messages that
 * define its templates in front, so that `millrace decode FILE` repeats what happened. Main thread; writes are queued and
 * bounded.
 */
export class Quarantine {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #elements: ElementLookup;
  readonly #limits: QuarantineLimits;
  readonly #onTrouble: (text: string) => void;
  #files = 0;
  #bytes = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    directory: string,
    clock: Clock,
    elements: ElementLookup,
    onTrouble: (text: string) => void,
    limits: QuarantineLimits = DEFAULT_QUARANTINE_LIMITS,
  ) {
    this.#directory = directory;
    this.#clock = clock;
    this.#elements = elements;
    this.#onTrouble = onTrouble;
    this.#limits = limits;
  }

  async open(): Promise<void> {
    try {
      await makeDirectory(fsPromises, this.#directory);
    } catch (error) {
      throw new MillraceError('OUTPUT_FAILED', `--quarantine ${this.#directory}: ${describeError(error)}`, {
        cause: error,
      });
    }
  }

  /** Copies the datagram that these items, one at least, belong to; shared memory may change afterwards. */
  store(memory: SharedMemory, items: WorkItems, ofDatagram: readonly number[]): void {
    const { bytes, view } = memory;
    const payload = items.payload(ofDatagram[0]);
    const record = payload - RecordOffset.payload;
    const length = view.getUint32(record + RecordOffset.length, true);
    const address = bytes.slice(record + RecordOffset.address, record + RecordOffset.address + 16);
    const port = view.getUint16(record + RecordOffset.port);
    const parts: Uint8Array[] = [];
    const header = new MessageHeader();
    for (const item of ofDatagram) {
      const entry = items.entry(item);
      header.read(view, payload + items.header(item), payload + 0xffff);
      if (header.version < 9) continue;
      const layout = entryLayout(view, entry, this.#elements);
      const options = entryIsOptions(view, entry);
      const template = templateMessage(header, entryTemplateId(view, entry), options, layout);
      parts.push(DgramsWriter.record(address, port, template));
    }
    parts.push(DgramsWriter.record(address, port, bytes.slice(payload, payload + length)));
    this.#write(Buffer.concat(parts));
  }

  /** Resolves when everything stored so far is written. */
  async close(): Promise<void> {
    await this.#writing;
  }

  #write(content: Uint8Array): void {
    if (this.#files >= this.#limits.maxFiles || this.#bytes + content.length > this.#limits.maxBytes) {
      this.#onTrouble(
        `the quarantine is full (${countText(this.#files, 'file')}): the datagram is counted but not kept`,
      );
      return;
    }
    this.#files++;
    this.#bytes += content.length;
    const time = new Date(this.#clock.wallMs()).toISOString().replaceAll(':', '');
    const path = join(this.#directory, `quarantine-${time}-${process.pid}-${this.#files}.dgrams`);
    this.#writing = this.#writing
      .then(() => writeFile(path, content, { flag: 'wx' }))
      .catch((error: unknown) => this.#onTrouble(`quarantine ${path}: ${describeError(error)}`));
  }
}
