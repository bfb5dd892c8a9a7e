import type { Collector } from '../collector.ts';

/** Why nothing but a new process would help; null while all is well. */
export function healthProblem(collector: Pick<Collector, 'started' | 'parts'>): string | null {
  // Before the start there are none yet; later a pool without threads decodes nothing any more.
  return collector.started && collector.parts().workers.alive === 0 ? 'no decode worker is alive' : null;
}
