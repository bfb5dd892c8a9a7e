import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { openRedis, type RedisConnection, type RedisTimes } from './redis-client.ts';
import { RedisError, redisError } from './redis-faults.ts';
import type { RedisTarget } from './redis-uri.ts';
import type { StoreStatus } from './store-status.ts';

export interface LinkTimes extends RedisTimes {
  /** First and longest pause before another attempt; each is a random part of twice the one before. */
  readonly retryFirstMs: number;
  readonly retryLongestMs: number;
  /** A connection that held for so long ends the doubling. */
  readonly healthyMs: number;
}

/** Who uses the connection: told of each new one, and of the end of each. */
export interface LinkUser {
  /** Rejecting ends the connection. */
  up(connection: RedisConnection): Promise<void>;
  down(reason: RedisError): void;
}

/** Keeps one connection to Redis. Begins with the first call that needs one, and goes on until closed or fatal. */
export class RedisLink {
  /** The connection, null while there is none. */
  get current(): RedisConnection | null {
    return this.#connection;
  }

  /** Whether Redis was usable once: from then on a wrong password or the like is trouble that may pass. */
  proved = false;
  readonly #target: RedisTarget;
  readonly #times: LinkTimes;
  readonly #clock: Clock;
  readonly #status: StoreStatus;
  readonly #ending = new AbortController();
  #user: LinkUser | null = null;
  #connection: RedisConnection | null = null;
  /** The attempt that is going on; null between attempts. */
  #attempt: Promise<RedisConnection> | null = null;
  #lastError: RedisError | null = null;
  #running: Promise<void> | null = null;

  constructor(target: RedisTarget, times: LinkTimes, clock: Clock, status: StoreStatus) {
    this.#target = target;
    this.#times = times;
    this.#clock = clock;
    this.#status = status;
  }

  /** Serves a user from now on. Resolves after the first `up`; rejects when that fails, and tries again unless fatal. */
  async serve(user: LinkUser): Promise<void> {
    this.#user = user;
    const connection = this.#connection;
    if (connection === null) {
      await this.connection();
      return;
    }
    // It was made before there was a user.
    try {
      await user.up(connection);
    } catch (error) {
      connection.close();
      throw error instanceof RedisError ? this.judge(error) : error;
    }
  }

  /** The connection, once it is prepared; rejects at once with what was wrong last while Redis cannot be reached. */
  async connection(): Promise<RedisConnection> {
    if (this.#connection !== null) return this.#connection;
    if (this.#ending.signal.aborted) throw this.#lastError ?? this.#closedError();
    if (this.#running === null) this.#running = this.#run();
    if (this.#attempt !== null && this.#lastError === null) return this.#attempt;
    throw this.#lastError ?? this.#closedError();
  }

  /** The error as it counts here: fatal while Redis has never been usable and a person has to change something. */
  judge(error: unknown): RedisError {
    const trouble = redisError(error, this.#target.display);
    if (trouble.trouble !== 'config' || this.proved || trouble.fatal) return trouble;
    return new RedisError(trouble.message, 'config', { cause: trouble.cause, fatal: true });
  }

  /** Ends a connection, an attempt at one and the pause between attempts, whichever there is. */
  async close(): Promise<void> {
    this.#ending.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let failures = 0; ; failures++) {
      const beganMs = this.#clock.monotonicMs();
      this.#attempt = this.#connect();
      try {
        const connection = await this.#attempt;
        this.#attempt = null;
        this.#lastError = await connection.closed;
        this.#connection = null;
        if (this.#clock.monotonicMs() - beganMs >= this.#times.healthyMs) failures = 0;
      } catch (error) {
        this.#attempt = null;
        this.#lastError = this.judge(error);
      }
      if (this.#ending.signal.aborted) return;
      this.#user?.down(this.#lastError);
      if (this.#lastError.fatal) this.#ending.abort();
      const longestMs = Math.min(this.#times.retryLongestMs, this.#times.retryFirstMs * 2 ** failures);
      try {
        await pause(randomInt(Math.max(1, Math.ceil(longestMs))), undefined, { signal: this.#ending.signal });
      } catch {
        return;
      }
      this.#status.reconnects++;
    }
  }

  /** Connects and lets the user prepare what he needs. Until that is done nobody else uses the connection. */
  async #connect(): Promise<RedisConnection> {
    let connection: RedisConnection | null = null;
    try {
      connection = await openRedis(this.#target, this.#times, this.#ending.signal);
      this.#lastError = null;
      // Without a user nothing may come between the connection and its being known, or a new user would miss it.
      if (this.#user !== null) await this.#user.up(connection);
    } catch (error) {
      connection?.close();
      throw error instanceof RedisError ? this.judge(error) : error;
    }
    this.#connection = connection;
    return connection;
  }

  #closedError(): RedisError {
    return new RedisError(`${this.#target.display}: not connected`, 'connection');
  }
}
