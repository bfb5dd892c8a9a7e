import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** A process that answers each order with one message. */
export class Child<Order, Reply extends { kind: string }> {
  readonly process: ChildProcess;
  readonly #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #early: Reply[] = [];
  #failure: Error | null = null;

  /** module: beside this file. setup goes as JSON on the command line. */
  constructor(module: string, setup: unknown, execArgv: string[] = []) {
    const path = fileURLToPath(new URL(module, import.meta.url));
    this.process = fork(path, [JSON.stringify(setup)], {
      execArgv,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    this.process.on('message', (reply: Reply) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#early.push(reply);
      else waiting.resolve(reply);
    });
    this.process.on('exit', (code, signal) => {
      this.#failure = new Error(`${module} ended (${signal ?? code}) before it answered`);
      for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    });
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** The next message, which must be of this kind. */
  async next<K extends Reply['kind']>(kind: K): Promise<Extract<Reply, { kind: K }>> {
    const early = this.#early.shift();
    if (early === undefined && this.#failure !== null) throw this.#failure;
    const reply =
      early ?? (await new Promise<Reply>((resolve, reject) => this.#waiting.push({ resolve, reject })));
    if (reply.kind !== kind) throw new Error(`expected ${kind}, got ${reply.kind}`);
    return reply as Extract<Reply, { kind: K }>;
  }

  order<K extends Reply['kind']>(order: Order, kind: K): Promise<Extract<Reply, { kind: K }>> {
    this.process.send(order as Serializable);
    return this.next(kind);
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}
