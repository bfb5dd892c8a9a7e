import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { requireProgram } from './system-packages.ts';

const READY_MS = 15_000;
/** Deadlines of a store that a busy machine does not miss. */
export const PATIENT = { connectMs: 30_000, commandMs: 30_000 };
const programs = new Set<ChildProcess>();
process.on('exit', () => {
  for (const program of programs) program.kill('SIGKILL');
});

/** A redis-server process on a free loopback port, in a directory of its own. Saves nothing unless told to. */
export class RedisServer {
  readonly port: number;
  readonly #args: readonly string[];
  readonly #client: RedisOptions;
  readonly #mode: 'server' | 'sentinel';
  #folder = '';
  #program: ChildProcess | null = null;

  private constructor(
    port: number,
    args: readonly string[],
    client: RedisOptions,
    mode: 'server' | 'sentinel',
  ) {
    this.#mode = mode;
    this.port = port;
    this.#args = args;
    this.#client = client;
  }

  /** config: options as in redis.conf. client: what a client needs to get in. */
  static async start(
    config: Readonly<Record<string, string>> = {},
    client: RedisOptions = {},
    mode: 'server' | 'sentinel' = 'server',
  ): Promise<RedisServer> {
    requireProgram('redis-server');
    const quiet = mode === 'server' ? { save: '', appendonly: 'no' } : {};
    const args = Object.entries({ ...quiet, ...config }).flatMap(([name, value]) => [
      `--${name}`,
      ...(value === '' ? [''] : value.split(' ')),
    ]);
    const server = new RedisServer(await freePort(), args, client, mode);
    await server.startAgain();
    return server;
  }

  get uri(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts on the same port, empty. */
  async startAgain(): Promise<void> {
    this.#folder = mkdtempSync(join(tmpdir(), 'millrace-redis-'));
    const place = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder];
    // A sentinel writes what it learns into its configuration file.
    const file = join(this.#folder, 'sentinel.conf');
    if (this.#mode === 'sentinel') writeFileSync(file, '');
    const mode = this.#mode === 'sentinel' ? [file, '--sentinel'] : [];
    const program = spawn('redis-server', [...mode, ...place, ...this.#args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    programs.add(program);
    let said = '';
    for (const stream of [program.stdout, program.stderr])
      stream?.on('data', (text: Buffer) => {
        said = (said + text.toString()).slice(-2000);
      });
    program.once('exit', () => programs.delete(program));
    this.#program = program;
    const deadline = Date.now() + READY_MS;
    while (!(await listens(this.port))) {
      if (program.exitCode !== null || Date.now() > deadline)
        throw new Error(`redis-server did not start: ${said}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** A client of its own, without any of what is under test. Who asks disconnects. */
  client(options: RedisOptions = {}): Redis {
    const client = new Redis({ host: '127.0.0.1', port: this.port, ...this.#client, ...options });
    // What a command cannot do its promise says.
    client.on('error', () => {});
    return client;
  }

  /** Runs one command. */
  async command(name: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    const client = this.client();
    try {
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  pause(): void {
    this.#program?.kill('SIGSTOP');
  }

  resume(): void {
    this.#program?.kill('SIGCONT');
  }

  async stop(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    const program = this.#program;
    this.#program = null;
    if (program !== null && program.exitCode === null && program.signalCode === null) {
      const exited = once(program, 'exit');
      program.kill('SIGCONT');
      program.kill(signal);
      await exited;
    }
    if (this.#folder !== '') rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
