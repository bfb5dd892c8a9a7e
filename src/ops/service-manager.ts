import { machineMicros } from '../base/clock.ts';
import { loadSystemCalls, MSG_DONTWAIT, SOCK_DGRAM_CLOEXEC } from '../base/system-calls.ts';
import type { Log } from './log.ts';

const AF_UNIX = 1;
/** Of the name of a socket, in octets; libsystemd allows no more either. */
const MAX_NAME_BYTES = 107;
/** Of a status. systemd ignores a message of more than 4 096 octets, and READY=1 with it. */
const MAX_STATUS_CHARACTERS = 256;
/** How soon a state is told again that the manager had no room for. */
const RETRY_MS = 100;
/** A timer of Node.js takes no longer time. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Sends a message without waiting. Returns the name of an error, or null. */
type Send = (message: string) => string | null;

/**
 * Tells the service manager that has started the process, systemd or another that knows sd_notify(3), how it fares: one
 * datagram with lines NAME=VALUE to the socket that NOTIFY_SOCKET names. Without a manager nothing is done. Nothing here
 * waits or throws; a datagram that cannot be sent is a line of the log, once.
 */
export class ServiceManager {
  readonly #send: Send;
  readonly #log: Log;
  readonly #problem: () => string | null;
  /** How often the watchdog is told that all is well; not a positive number where there is none. */
  #watchdogMs = 0;
  #status = '';
  #reloads = 0;
  #stopping = false;
  #retry: NodeJS.Timeout | undefined;
  #sendFailed = false;
  #lastProblem: string | null = null;

  /**
   * Takes the variables out of the environment, because they are not for children. problem: why the watchdog should end the
   * process, null while all is well. A manager that cannot be told is a warning.
   */
  constructor(environment: NodeJS.ProcessEnv, log: Log, problem: () => string | null) {
    const { NOTIFY_SOCKET: name, WATCHDOG_USEC: micros, WATCHDOG_PID: pid } = environment;
    for (const variable of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete environment[variable];
    this.#log = log;
    this.#problem = problem;
    const send = name ? openSocket(name) : () => null;
    if (typeof send === 'string') {
      log.warn(
        `the service manager cannot be told when the collector is ready: ${send}; under systemd, Type=notify ends it when ` +
          'TimeoutStartSec= is over: Type=exec without WatchdogSec= does not',
      );
      this.#send = () => null;
      return;
    }
    this.#send = send;
    if (name && (pid === undefined || Number(pid) === process.pid)) this.#watchdogMs = Number(micros) / 2000;
  }

  /** The start is over, and the watchdog's time begins. To be called once. status: one short line for a person. */
  ready(status: string): void {
    this.#status = status.slice(0, MAX_STATUS_CHARACTERS);
    this.#tell();
    if (!(this.#watchdogMs > 0)) return;
    setInterval(() => this.#keepAlive(), Math.min(this.#watchdogMs, MAX_TIMER_MS)).unref();
  }

  /** Tells of a reload while it lasts. Reloads may overlap. */
  async reloading(reload: () => Promise<void>): Promise<void> {
    this.#reloads++;
    this.#tell();
    try {
      await reload();
    } finally {
      this.#reloads--;
      if (this.#reloads === 0 && !this.#stopping) this.#tell();
    }
  }

  /** From now on a time limit of its own bounds what is done, and the watchdog asks for no more than a main thread that turns. */
  stopping(): void {
    this.#stopping = true;
    this.#tell();
  }

  #state(): string {
    if (this.#stopping) return 'STOPPING=1\nSTATUS=writing what was received';
    if (this.#reloads === 0) return `READY=1\nSTATUS=${this.#status}`;
    return `RELOADING=1\nMONOTONIC_USEC=${machineMicros()}\nSTATUS=reading the configuration again`;
  }

  /** Tells the present state, and again where there was no room for it: without READY=1 the process would be ended. */
  #tell(): void {
    clearTimeout(this.#retry);
    const error = this.#send(this.#state());
    if (error === 'EAGAIN') this.#retry = setTimeout(() => this.#tell(), RETRY_MS).unref();
    else this.#note(error);
  }

  #keepAlive(): void {
    const problem = this.#stopping ? null : this.#problem();
    if (problem === null) this.#note(this.#send('WATCHDOG=1'));
    else if (this.#lastProblem === null)
      this.#log.warn(`${problem}: nothing is said to the watchdog any more`);
    this.#lastProblem = problem;
  }

  #note(error: string | null): void {
    if (error === null || this.#sendFailed) return;
    this.#sendFailed = true;
    this.#log.warn(`the service manager cannot be told how the collector fares: ${error}`);
  }
}

/** Returns why not, where there can be none. */
function openSocket(name: string): Send | string {
  const address = socketAddress(name);
  if (address === null) {
    return `NOTIFY_SOCKET ${JSON.stringify(name)}: allowed are a path or @name, of up to ${MAX_NAME_BYTES} octets`;
  }
  const calls = loadSystemCalls();
  if (typeof calls === 'string') return calls;
  const fd = calls.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return calls.errorName();
  return (message) => {
    const bytes = Buffer.from(message);
    const sent = calls.sendto(fd, bytes, bytes.length, MSG_DONTWAIT, address, address.length);
    return sent < 0 ? calls.errorName() : null;
  };
}

/** struct sockaddr_un; null when the name is neither a path nor one that begins with "@", or too long. */
function socketAddress(name: string): Uint8Array | null {
  const bytes = Buffer.from(name);
  if (!/^[/@]./.test(name) || bytes.length > MAX_NAME_BYTES) return null;
  // An abstract name has a NUL in front, a path has it behind.
  const path = name.startsWith('@') ? [0, ...bytes.subarray(1)] : [...bytes, 0];
  return Uint8Array.of(AF_UNIX, 0, ...path);
}
