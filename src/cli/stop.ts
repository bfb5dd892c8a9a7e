import { systemClock } from '../base/clock.ts';

const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;
type StopSignal = keyof typeof EXIT_CODES;

/** npm passes on a signal that the terminal has sent to the whole group: it comes twice within this time. */
const NPM_ECHO_MS = 1000;

/**
 * The wish to end: SIGINT and SIGTERM, or the program's own. The first is to be obeyed by whoever holds the signal; a second
 * one from outside ends the process at once.
 */
export class Stop {
  /** What asked for the end, null while nothing did. */
  reason: StopSignal | 'done' | null = null;
  readonly #controller = new AbortController();

  constructor() {
    let firstAtMs = 0;
    const onSignal = (name: StopSignal): void => {
      const nowMs = systemClock.monotonicMs();
      if (this.#controller.signal.aborted && this.reason !== 'done') {
        const echo = process.env['npm_lifecycle_event'] !== undefined && nowMs - firstAtMs < NPM_ECHO_MS;
        if (echo) return;
        process.stderr.write(`millrace: ${name} again: ended at once, what was not written is lost\n`);
        process.exit(EXIT_CODES[name]);
      }
      firstAtMs = nowMs;
      this.reason = name;
      this.#controller.abort();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get requested(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Exit code of a command that was ended before its work was done; 0 when it was not. */
  get exitCode(): number {
    return this.reason === null || this.reason === 'done' ? 0 : EXIT_CODES[this.reason];
  }

  /** Asks for the end from inside. */
  request(): void {
    this.reason ??= 'done';
    this.#controller.abort();
  }

  /** Resolves when the end was asked for. */
  wait(): Promise<void> {
    if (this.requested) return Promise.resolve();
    return new Promise((resolve) => {
      this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
