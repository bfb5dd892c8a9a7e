import type { Companion } from '../dispatch/binder.ts';
import type { Scope } from '../templates/scope.ts';
import { groupByExporter } from './exporters.ts';

/** Exporters that have series of their own; what the rest has sent is counted under `other`. */
export const MAX_NAMED_EXPORTERS = 50;
/** An exporter that was given a name keeps it for so long, so that forged traffic cannot make up series without end. */
export const NAMED_FOR_MS = 3_600_000;
export const OTHER = 'other';

/** Counts of an exporter; all only grow. */
export const EXPORTER_COUNTS = [
  'messages',
  'octets',
  'records',
  'setsWithoutTemplate',
  'lostDatagrams',
  'lostRecords',
  'restarts',
] as const;
export type ExporterCount = (typeof EXPORTER_COUNTS)[number];

export interface ExporterSeries {
  readonly counts: Record<ExporterCount, number>;
  /** The largest among its domains; NaN for `other`. */
  clockSkewSeconds: number;
}

/**
 * Keeps counters by exporter for a system that cannot bear many series. With every update what the scopes have counted since
 * the last one goes to the series of their exporter, or to `other`: so no series ever falls, whoever gets or loses a name.
 */
export class TopExporters {
  readonly series = new Map<string, ExporterSeries>();
  readonly #namedAtMs = new Map<string, number>();
  /** What each scope had counted when it was last looked at. */
  readonly #seen = new WeakMap<Scope<Companion>, Float64Array>();
  readonly #gains = new Float64Array(EXPORTER_COUNTS.length);

  constructor() {
    this.series.set(OTHER, emptySeries());
  }

  update(scopes: Iterable<Scope<Companion>>, nowMs: number): void {
    const groups = groupByExporter(scopes);
    const volumes = new Map<string, number>();
    for (const [name, group] of groups) {
      // Whoever has sent once may be made up.
      if (!group.some(({ established }) => established)) continue;
      volumes.set(
        name,
        group.reduce((sum, { companion }) => sum + companion.activity.rates.octets, 0),
      );
    }
    this.#choose(volumes, nowMs);
    for (const [name, group] of groups) {
      const series = this.series.get(name) ?? this.series.get(OTHER)!;
      if (this.#namedAtMs.has(name)) series.clockSkewSeconds = worstSkew(group);
      for (const scope of group) this.#book(scope, series);
    }
  }

  #choose(volumes: ReadonlyMap<string, number>, nowMs: number): void {
    for (const name of this.#namedAtMs.keys()) if (!volumes.has(name)) this.#forget(name);
    const candidates = [...volumes]
      .filter(([name]) => !this.#namedAtMs.has(name))
      .sort((a, b) => b[1] - a[1]);
    const least = [...this.#namedAtMs.keys()].sort((a, b) => volumes.get(a)! - volumes.get(b)!);
    for (const [name, volume] of candidates) {
      if (this.#namedAtMs.size >= MAX_NAMED_EXPORTERS) {
        const other = least.find((known) => nowMs - (this.#namedAtMs.get(known) ?? nowMs) >= NAMED_FOR_MS);
        if (other === undefined || volumes.get(other)! >= volume) return;
        this.#forget(other);
      }
      this.#namedAtMs.set(name, nowMs);
      this.series.set(name, emptySeries());
    }
  }

  #forget(name: string): void {
    this.#namedAtMs.delete(name);
    this.series.delete(name);
  }

  #book(scope: Scope<Companion>, { counts }: ExporterSeries): void {
    let seen = this.#seen.get(scope);
    if (seen === undefined) this.#seen.set(scope, (seen = new Float64Array(EXPORTER_COUNTS.length)));
    const gains = this.#gains;
    const { activity, sequence } = scope.companion;
    gains[0] = activity.messages;
    gains[1] = activity.octets;
    gains[2] = activity.records;
    gains[3] = activity.setsWithoutTemplate;
    gains[4] = scope.version === 9 ? sequence.totals.lost : 0;
    gains[5] = scope.version === 9 ? 0 : sequence.totals.lost;
    gains[6] = sequence.totals.restarts;
    for (let i = 0; i < gains.length; i++) {
      // Loss falls when something arrives late; that is made up for by the next loss.
      if (gains[i] <= seen[i]) continue;
      counts[EXPORTER_COUNTS[i]] += gains[i] - seen[i];
      seen[i] = gains[i];
    }
  }
}

function emptySeries(): ExporterSeries {
  const counts = Object.fromEntries(EXPORTER_COUNTS.map((name) => [name, 0])) as Record<
    ExporterCount,
    number
  >;
  return { counts, clockSkewSeconds: Number.NaN };
}

function worstSkew(scopes: readonly Scope<Companion>[]): number {
  let worst = 0;
  for (const { companion } of scopes) {
    const { clockSkewMs } = companion.activity;
    if (Math.abs(clockSkewMs) > Math.abs(worst)) worst = clockSkewMs;
  }
  return worst / 1000;
}
