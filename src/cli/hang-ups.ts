/**
 * SIGHUP from the beginning of a process on. Until somebody obeys it, it is only remembered: the system's default would end the
 * process, and a service manager would call that a clean end.
 */
export class HangUps {
  #obey: (() => void) | null = null;
  #missed = false;

  constructor() {
    process.on('SIGHUP', () => {
      if (this.#obey === null) this.#missed = true;
      else this.#obey();
    });
  }

  /** obey is called for every signal from now on, and at once when there was one before. */
  obeyedBy(obey: () => void): void {
    this.#obey = obey;
    if (this.#missed) obey();
  }
}
