import { StoreError } from '../templates/store.ts';
import { EntryKind, encodeEntry } from './entries.ts';
import type { FleetKeys } from './fleet-keys.ts';
import type { RedisConnection } from './redis-client.ts';
import { octets, text, whole } from './redis-reader.ts';
import type { RedisWriter, WriterSurroundings } from './redis-writer.ts';
import type { StoreStatus } from './store-status.ts';

export const MEMBER_LIMITS = Object.freeze({
  /** A collector that was not heard of for so long is not alive, and after a day is forgotten. */
  aliveMs: 60_000,
  forgottenMs: 24 * 3_600_000,
});

/** Which collectors there are, and what all of them understand. */
export class Membership {
  readonly #around: WriterSurroundings;
  readonly #writer: RedisWriter;
  readonly #keys: FleetKeys;
  readonly #status: StoreStatus;
  readonly #member: string;
  readonly #level: number;

  constructor(
    around: WriterSurroundings,
    writer: RedisWriter,
    keys: FleetKeys,
    status: StoreStatus,
    member: string,
    level: number,
  ) {
    this.#around = around;
    this.#writer = writer;
    this.#keys = keys;
    this.#status = status;
    this.#member = member;
    this.#level = level;
  }

  /** Says that this collector is alive, and which feature level it understands. Resolves to the number of those alive. */
  announce(connection: RedisConnection): Promise<number> {
    return this.#note(connection, String(this.#level));
  }

  async leave(connection: RedisConnection): Promise<void> {
    await this.#note(connection, '');
  }

  /**
   * Lets entries of a feature level into the log. Rejects with a StoreError while a collector that is alive does not
   * understand it. Resolves to whether the level was lower before.
   */
  async raiseLevel(level: number): Promise<boolean> {
    const envelope = encodeEntry({ kind: EntryKind.level, ...this.#around.head(), level });
    const { meta, log, members, levels } = this.#keys;
    const args = [String(level), String(MEMBER_LIMITS.aliveMs)];
    const reply = await this.#writer.append('raiseLevel', [meta, log, members, levels], envelope, args);
    const outcome = text(reply[0]);
    if (outcome === 'refused') {
      const member = octets(reply[2])
        .toString('latin1')
        .replaceAll(/[^\x21-\x7e]/g, '?')
        .slice(0, 64);
      throw new StoreError(`collector ${member} understands feature level ${whole(reply[3])} only`);
    }
    return outcome === 'raised';
  }

  async #note(connection: RedisConnection, level: string): Promise<number> {
    this.#status.commands++;
    const { members, levels } = this.#keys;
    const { aliveMs, forgottenMs } = MEMBER_LIMITS;
    const args = [this.#member, level, String(aliveMs), String(forgottenMs)];
    return whole(await connection.run('member', [members, levels], args));
  }
}
