/** The command line as a user has it: the built main.js in a process of its own. */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
/** Longer than anything here takes; a test that hangs says so. */
const HANG_MS = 60_000;

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A directory for the tests of a file, removed after them. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const STATE = mkdtempSync(join(tmpdir(), 'millrace-state-'));
process.once('exit', () => rmSync(STATE, { recursive: true, force: true }));

export class Running {
  readonly child: ChildProcess;
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  #wake: (() => void)[] = [];

  /**
   * under: a command line behind which it is run. readStdout: false leaves what the program writes in the pipe. hangMs: when it
   * is killed.
   */
  constructor(
    args: readonly string[],
    { under = [], ...options }: SpawnOptions & { under?: readonly string[] } = {},
    readStdout = true,
    hangMs = HANG_MS,
  ) {
    const env = { ...process.env };
    // The tests may run under npm, which changes what a second signal means.
    delete env['npm_lifecycle_event'];
    // Every process has state of its own, none of it that of whoever runs the tests.
    delete env['STATE_DIRECTORY'];
    env['XDG_STATE_HOME'] = mkdtempSync(join(STATE, 'process-'));
    // Variables are options of the collector.
    for (const name of Object.keys(env)) if (name.startsWith('MILLRACE_')) delete env[name];
    // Collectors of several tests run at a time, and only one of them could have the default port.
    const http = args[0] === 'collect' && !args.includes('--http') ? ['--http', 'off'] : [];
    const [command, ...before] = [...under, process.execPath, MAIN];
    this.child = spawn(command, [...before, ...args.slice(0, 1), ...http, ...args.slice(1)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env,
      ...options,
    });
    const { stdout, stderr } = this.child;
    if (readStdout) {
      stdout?.setEncoding('utf8').on('data', (text: string) => {
        this.stdout += text;
        this.#tell();
      });
    }
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
      this.#tell();
    });
    const timer = setTimeout(() => this.child.kill('SIGKILL'), hangMs);
    // For tests that fail half way.
    after(() => this.child.kill('SIGKILL'));
    this.ended = once(this.child, readStdout ? 'close' : 'exit').then(([code, signal]) => {
      clearTimeout(timer);
      this.#tell();
      return { code, signal, stdout: this.stdout, stderr: this.stderr };
    });
  }

  /** Resolves when the condition holds; rejects when the process ends before. */
  async until(what: string, condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`ended before ${what}; stderr: ${this.stderr}`);
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** The port of the nth listen address, as the program logs it. */
  async port(n = 0): Promise<number> {
    const ports = (): RegExpMatchArray[] => [
      ...this.stderr.matchAll(/netflow:\/\/(?:\[[^\]]*\]|[\d.]+):(\d+)/g),
    ];
    await this.until('it listens', () => ports().length > n);
    return Number(ports()[n][1]);
  }

  /** Waits until so many lines were written to standard output. */
  lines(count: number): Promise<void> {
    return this.until(`${count} lines`, () => countLines(this.stdout) >= count);
  }

  /** Resolves when there is standard output to read, and leaves it there. */
  async somethingToRead(): Promise<void> {
    if (this.child.stdout !== null) await once(this.child.stdout, 'readable');
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

export function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

/** Runs a command line to its end. */
export function run(args: readonly string[], input?: Uint8Array): Promise<Ended> {
  const running = new Running(args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] });
  // A program that does not read all of its input is no fault of the test.
  running.child.stdin?.on('error', () => {});
  running.child.stdin?.end(input);
  return running.ended;
}

/** Asks again and again until the condition holds; for what a program does to files. */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + HANG_MS;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
