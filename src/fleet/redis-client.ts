import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { RedisError, redisError } from './redis-faults.ts';
import type { RedisTarget } from './redis-uri.ts';
import { SCRIPTS, type ScriptName } from './scripts.ts';

/** What scripts answer: octets for strings. */
export type Reply = null | number | Buffer | readonly Reply[];

export interface RedisTimes {
  /** Until a connection stands, and until a command is answered. */
  readonly connectMs: number;
  readonly commandMs: number;
}

/**
 * One connection for commands and one for a subscription, once: when either is lost both are closed, `closed` resolves, and
 * the object is of no more use. Every rejection is a RedisError.
 */
export interface RedisConnection {
  /** Runs a script: by its digest, with its text where this Redis does not know it. */
  run(script: ScriptName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<Reply>;
  /** A section of INFO, as text. */
  info(section: string): Promise<string>;
  /** Resolves with the confirmation. Messages that come after it are delivered as octets. */
  subscribe(channel: string, message: (octets: Buffer) => void): Promise<void>;
  /** Whether both connections answer. */
  ping(): Promise<void>;
  readonly closed: Promise<RedisError>;
  close(reason?: RedisError): void;
}

type Client = Redis | Cluster;
type ScriptCall = (keyCount: number, ...args: (string | Buffer)[]) => Promise<Reply>;

/** Connects, and resolves when Redis has taken user, password and database. signal: closes it, at any time. */
export async function openRedis(
  target: RedisTarget,
  times: RedisTimes,
  signal: AbortSignal,
): Promise<RedisConnection> {
  const connection = new Connection(target, times);
  const close = (): void => connection.close();
  signal.addEventListener('abort', close);
  void connection.closed.then(() => signal.removeEventListener('abort', close));
  await connection.open();
  return connection;
}

class Connection implements RedisConnection {
  readonly closed: Promise<RedisError>;
  readonly #target: RedisTarget;
  readonly #times: RedisTimes;
  readonly #commands: Client;
  #subscriber: Redis | null = null;
  #resolveClosed: (reason: RedisError) => void = () => {};

  constructor(target: RedisTarget, times: RedisTimes) {
    this.#target = target;
    this.#times = times;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#commands = target.mode === 'cluster' ? this.#newCluster() : new Redis(this.#redisOptions());
    for (const [name, lua] of Object.entries(SCRIPTS)) this.#commands.defineCommand(name, { lua });
  }

  open(): Promise<void> {
    return this.#connect(this.#commands);
  }

  async run(script: ScriptName, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<Reply> {
    const call = (this.#commands as unknown as Record<string, ScriptCall>)[`${script}Buffer`];
    return this.#answer(call.call(this.#commands, keys.length, ...keys, ...args));
  }

  info(section: string): Promise<string> {
    return this.#answer(this.#commands.info(section));
  }

  async subscribe(channel: string, message: (octets: Buffer) => void): Promise<void> {
    const subscriber = new Redis({ ...this.#redisOptions(), ...this.#subscriberNode() });
    this.#subscriber = subscriber;
    subscriber.on('messageBuffer', (from: Buffer, octets: Buffer) => {
      if (from.toString('latin1') === channel) message(octets);
    });
    await this.#connect(subscriber);
    await this.#answer(subscriber.subscribe(channel));
  }

  /** Of both clients; of the subscriber once it is connected. */
  async ping(): Promise<void> {
    const subscriber = this.#subscriber?.status === 'ready' ? this.#subscriber : null;
    await this.#answer(Promise.all([this.#commands.ping(), subscriber?.ping()]));
  }

  close(reason = new RedisError(`${this.#target.display}: closed`, 'connection')): void {
    this.#resolveClosed(reason);
    // Where a client has ended already, its disconnect would leave a timer that nothing clears.
    for (const client of [this.#commands, this.#subscriber]) {
      if (client !== null && client.status !== 'end') client.disconnect();
    }
  }

  /** Either connection ending ends both. */
  #connect(client: Client): Promise<void> {
    let first: unknown = null;
    // Errors are said by events here: the promise of connect only knows that it failed, and not even that for a database.
    client.on('error', (error: unknown) => {
      first ??= error;
    });
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => this.close(redisError(first ?? error, this.#target.display));
      void this.closed.then((reason) => {
        clearTimeout(deadline);
        reject(reason);
      });
      const deadline = setTimeout(() => fail(new Error('Command timed out')), this.#times.connectMs);
      client.on('end', () => fail(new Error('Connection is closed.')));
      client.connect().then(() => {
        clearTimeout(deadline);
        if (first !== null) return fail(first);
        resolve();
      }, fail);
    });
  }

  /** No answer in time means that nothing else on this connection can be relied on. */
  async #answer<T>(reply: Promise<T>): Promise<T> {
    try {
      return await reply;
    } catch (error) {
      const trouble = redisError(error, this.#target.display);
      if (trouble.trouble === 'connection' || trouble.trouble === 'readonly') this.close(trouble);
      throw trouble;
    }
  }

  #redisOptions(): RedisOptions {
    const { mode, hosts, master, db, username, password, tls } = this.#target;
    const place: RedisOptions =
      mode === 'sentinel'
        ? {
            sentinels: [...hosts],
            name: master,
            sentinelUsername: this.#target.sentinelUsername,
            sentinelPassword: this.#target.sentinelPassword,
            sentinelRetryStrategy: () => null,
            enableTLSForSentinelMode: tls !== undefined,
            sentinelTLS: tls,
            sentinelCommandTimeout: this.#times.commandMs,
          }
        : { host: hosts[0].host, port: hosts[0].port };
    return {
      ...place,
      db,
      username,
      password,
      tls,
      lazyConnect: true,
      retryStrategy: null,
      enableOfflineQueue: false,
      enableReadyCheck: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      disableClientInfo: true,
      connectionName: 'millrace',
      connectTimeout: this.#times.connectMs,
      // A connection that is closed is of no more use: its peer's goodbye is not waited for.
      disconnectTimeout: 0,
      commandTimeout: this.#times.commandMs,
      maxRetriesPerRequest: 0,
    };
  }

  #newCluster(): Cluster {
    const { host: _host, port: _port, db: _db, ...redisOptions } = this.#redisOptions();
    return new Cluster([...this.#target.hosts], {
      redisOptions,
      lazyConnect: true,
      clusterRetryStrategy: () => null,
      enableOfflineQueue: false,
      enableReadyCheck: true,
      slotsRefreshTimeout: this.#times.commandMs,
      // A deadline of ours ends what the cluster could not settle by then.
      maxRedirections: 8,
    });
  }

  /** A message published in a cluster reaches every node: any of them will do. */
  #subscriberNode(): RedisOptions {
    if (!(this.#commands instanceof Cluster)) return {};
    const [node] = this.#commands.nodes('master');
    if (node === undefined)
      throw new RedisError(`${this.#target.display}: the cluster has no node`, 'connection');
    return { host: node.options.host, port: node.options.port };
  }
}
