import fsPromises from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Clock, systemClock } from '../base/clock.ts';
import { describeError, errorCode } from '../base/errors.ts';
import { makeDirectory } from '../base/make-directory.ts';
import { syncDirectory } from '../base/sync-directory.ts';
import { CONTENT_HEADER_BYTES, type ContentFault, contentBytes, readContent } from './content-bytes.ts';
import { LockFile } from './lock-file.ts';
import { MemoryStore } from './memory-store.ts';
import { STORE_LIMITS, StoreError, type StoreState } from './store.ts';
import { StoreContent } from './store-content.ts';

/** How long a change waits for others before the file is written. */
const SAVE_DELAY_MS = 1_000;
/** The same for announcements; without the last of them, templates are only older than they need be. */
const TOUCH_SAVE_DELAY_MS = 5 * 60_000;
const RETRY_DELAY_MS = 10_000;

const MAX_FILE_BYTES = CONTENT_HEADER_BYTES + STORE_LIMITS.maxContentBytes;

/** What the file store needs of node:fs/promises; tests put faults in between. */
export type StoreFileSystem = Pick<
  typeof fsPromises,
  'link' | 'mkdir' | 'open' | 'readFile' | 'rename' | 'stat' | 'unlink'
>;

/** What a FileStore can be told; everything has a default. */
export interface FileStoreOptions {
  /** Default: the clocks of the system. */
  readonly clock?: Clock;
  /** How long a change waits for others before the file is written, ms; default 1 000. */
  readonly saveDelayMs?: number;
  /** After which time writing is tried again when it failed, ms; default 10 000. */
  readonly retryDelayMs?: number;
  /** @internal */
  readonly fs?: StoreFileSystem;
  /** Told, in one line for people, of what was put right without them. */
  readonly notice?: (line: string) => void;
}

interface Loaded {
  readonly content: StoreContent;
  readonly takenAtMs: number;
  readonly fault: ContentFault | 'too-long' | null;
}

/**
 * A store of one process that survives its end: everything in memory, written to a file as a whole a moment after a change.
 * The file is replaced at once or not at all; what the last moment brought may be missing after a crash.
 */
export class FileStore extends MemoryStore {
  readonly #path: string;
  readonly #fs: StoreFileSystem;
  readonly #lock: LockFile;
  readonly #lost: boolean;
  readonly #saveDelayMs: number;
  readonly #retryDelayMs: number;
  #unsaved = false;
  /** Why the file cannot be written, null when it can. */
  #trouble: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerEndsMs = 0;
  #saving: Promise<void> = Promise.resolve();
  #closing: Promise<void> | null = null;

  private constructor(path: string, lock: LockFile, loaded: Loaded, options: FileStoreOptions) {
    super(options.clock ?? systemClock, loaded.content, loaded.takenAtMs);
    this.#path = path;
    this.#fs = options.fs ?? fsPromises;
    this.#lock = lock;
    this.#lost = loaded.fault !== null;
    this.#saveDelayMs = options.saveDelayMs ?? SAVE_DELAY_MS;
    this.#retryDelayMs = options.retryDelayMs ?? RETRY_DELAY_MS;
  }

  /**
   * Reads the file, which need not exist. A damaged one is kept under another name. Rejects with a fatal StoreError when
   * the file cannot be used, by this process or at all.
   */
  static async open(path: string, options: FileStoreOptions = {}): Promise<FileStore> {
    const fs = options.fs ?? fsPromises;
    const what = `template store ${path}`;
    const lock = await refusing(`cannot use ${what}`, async () => {
      await makeDirectory(fs, dirname(path), 0o700);
      return await LockFile.acquire(fs, `${path}.lock`, what);
    });
    try {
      const loaded = await load(fs, path);
      if (loaded.fault !== null) {
        await refusing(`cannot set aside ${what}`, () => fs.rename(path, `${path}.damaged`));
        options.notice?.(
          `${what} is damaged (${loaded.fault}): it starts empty, the file is now ${path}.damaged`,
        );
      }
      return new FileStore(path, lock, loaded, options);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  override close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    await super.close();
    this.#cancelTimer();
    await this.#save();
    await this.#lock.release();
    if (this.#trouble !== null) throw new StoreError(this.#trouble);
  }

  protected override contentChanged(): void {
    this.#saveWithin(this.#saveDelayMs);
  }

  protected override contentTouched(): void {
    this.#saveWithin(TOUCH_SAVE_DELAY_MS);
  }

  protected override lostContent(): boolean {
    return this.#lost;
  }

  protected override condition(): readonly [StoreState, string] {
    return this.#trouble === null ? super.condition() : ['degraded', this.#trouble];
  }

  #saveWithin(delayMs: number): void {
    this.#unsaved = true;
    const endsMs = this.nowMs() + (this.#trouble === null ? delayMs : this.#retryDelayMs);
    if (this.#timer !== null && this.#timerEndsMs <= endsMs) return;
    this.#cancelTimer();
    this.#timerEndsMs = endsMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#save();
    }, endsMs - this.nowMs()).unref();
  }

  #cancelTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** One at a time; never rejects. */
  #save(): Promise<void> {
    this.#saving = this.#saving.then(async () => {
      if (!this.#unsaved) return;
      this.#unsaved = false;
      const before = this.#trouble;
      try {
        await replaceFile(this.#fs, this.#path, contentBytes(this.content, this.nowMs()));
        this.#trouble = null;
      } catch (error) {
        this.#trouble = `cannot write template store ${this.#path}: ${describeError(error)}`;
        if (this.#closing === null) this.#saveWithin(this.#retryDelayMs);
        else this.#unsaved = true;
      }
      if (this.#trouble !== before) this.tellCondition();
    });
    return this.#saving;
  }
}

/** The content of a file as it is now, to be read only; whoever uses the file goes on. Rejects with a StoreError. */
export async function readStoreFile(path: string): Promise<MemoryStore> {
  // A store of which nothing was ever written is empty; one that is to be read must be there.
  await refusing('cannot read template store', () => fsPromises.stat(path));
  const { content, takenAtMs, fault } = await load(fsPromises, path);
  if (fault !== null) throw new StoreError(`template store ${path} is damaged: ${fault}`, true);
  return new MemoryStore(systemClock, content, takenAtMs);
}

async function load(fs: StoreFileSystem, path: string): Promise<Loaded> {
  const empty = { content: new StoreContent(), takenAtMs: 0 };
  return await refusing(`cannot read template store ${path}`, async () => {
    try {
      if ((await fs.stat(path)).size > MAX_FILE_BYTES) return { ...empty, fault: 'too-long' };
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return { ...empty, fault: null };
      throw error;
    }
    const read = readContent(await fs.readFile(path));
    if (typeof read !== 'string') return { ...read, fault: null };
    if (read === 'newer-version') {
      throw new StoreError(`template store ${path} was written by a later release and is left alone`, true);
    }
    return { ...empty, fault: read };
  });
}

/** Trouble of the system becomes a fatal StoreError that begins with a text. */
async function refusing<T>(text: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new StoreError(`${text}: ${describeError(cause)}`, true, { cause });
  }
}

/** Afterwards the new file is on disk as a whole. When it throws, the file is the new or the old one, and whole too. */
async function replaceFile(fs: StoreFileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.new`;
  // Never written through: what stands there may be a link that somebody else has made.
  await fs.unlink(temporary).catch(() => {});
  const handle = await fs.open(temporary, 'wx', 0o600);
  try {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += (await handle.writev([bytes.subarray(at)], at)).bytesWritten;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.unlink(temporary).catch(() => {});
    throw error;
  }
  await syncDirectory(fs, dirname(path));
}
