import { Counter, Gauge, Registry } from 'prom-client';
import type { MetricSource, MetricSpec } from './metric.ts';
import { METRICS } from './metrics.ts';

const LABEL_SEPARATOR = '\u0000';

/** Writes the metrics of the table in the Prometheus text format. The only file that knows prom-client. */
export class Exposition {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #metrics: Metric[];

  constructor() {
    this.#metrics = METRICS.map((spec) => new Metric(spec, this.#registry));
    this.contentType = this.#registry.contentType;
  }

  text(source: MetricSource): Promise<string> {
    for (const metric of this.#metrics) metric.take(source);
    return this.#registry.metrics();
  }
}

class Metric {
  readonly #spec: MetricSpec;
  readonly #metric: Counter | Gauge;
  /** Highest value so far of each series of a counter. */
  #highest = new Map<string, number>();

  constructor(spec: MetricSpec, registry: Registry) {
    const { name, help, labels } = spec;
    this.#spec = spec;
    const options = { name, help, labelNames: [...labels], registers: [registry] };
    this.#metric = spec.type === 'counter' ? new Counter(options) : new Gauge(options);
  }

  take(source: MetricSource): void {
    const { labels: names, read, type } = this.#spec;
    this.#metric.reset();
    const highest = new Map<string, number>();
    read(source, (value, ...values) => {
      const labels = Object.fromEntries(names.map((name, i) => [name, values[i]]));
      if (type === 'counter') value = this.#neverLess(value, values.join(LABEL_SEPARATOR), highest);
      this.#metric.inc(labels, value);
    });
    this.#highest = highest;
  }

  /** To Prometheus a counter that falls has begun anew; a loss that was repaired must not look like that. */
  #neverLess(value: number, series: string, highest: Map<string, number>): number {
    const most = Math.max(value, this.#highest.get(series) ?? 0);
    highest.set(series, most);
    return most;
  }
}
