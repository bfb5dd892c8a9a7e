/** Something that has to hold before a balancer should send datagrams here. */
export interface ReadyCondition {
  readonly name: string;
  /** null when it holds, else why not, in a few words. */
  readonly problem: () => string | null;
}

export interface ReadyReport {
  ready: boolean;
  conditions: { name: string; ready: boolean; reason: string | null }[];
}

/** Whether the collector is ready: every condition holds. Parts of the program add their own. */
export class Readiness {
  readonly #conditions: ReadyCondition[] = [];

  add(name: string, problem: () => string | null): void {
    this.#conditions.push({ name, problem });
  }

  report(): ReadyReport {
    const conditions = this.#conditions.map(({ name, problem }) => {
      const reason = problem();
      return { name, ready: reason === null, reason };
    });
    return { ready: conditions.every(({ ready }) => ready), conditions };
  }
}
