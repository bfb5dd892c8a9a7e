import type { Clock } from '../base/clock.ts';
import { addressText, parseAddress } from '../base/ip.ts';
import type { Collector, CollectorReport } from '../collector.ts';
import type { CollectorParts } from '../collector-parts.ts';
import { describeExporters, timeText } from './exporters.ts';
import { healthProblem } from './health.ts';
import { History, type Sample, takeSample } from './history.ts';
import { Access } from './http/access.ts';
import { FlowStreams } from './http/flows.ts';
import { HTTP_LIMITS } from './http/limits.ts';
import { pageRoutes } from './http/page.ts';
import { integerParameter, json, type Request, RequestError, type Route } from './http/reply.ts';
import { HttpServer } from './http/server.ts';
import type { ProcessInfo } from './info.ts';
import type { MetricSource } from './metric.ts';
import { type ProcessNumbers, processNumbers } from './process-numbers.ts';
import { Exposition } from './prometheus.ts';
import { Readiness, type ReadyReport, storeProblem, storeTrouble } from './readiness.ts';
import { describeTemplates } from './templates.ts';
import { TopExporters } from './top-exporters.ts';

export interface OperationsOptions {
  info: ProcessInfo;
  /** Bearer token; null: none is asked for. */
  token: string | null;
  /** Whether requests without a token are served under any host name. */
  anyHost: boolean;
  /** Whether the collector may start without its template store; default no. */
  storeOptional?: boolean;
  clock: Clock;
}

/** The state of everything at one moment, for the page and for `millrace top`. */
export interface StatusDocument extends ReadyReport {
  at: string;
  version: string;
  ledger: CollectorReport;
  parts: CollectorParts;
  process: ProcessNumbers;
  sample: Sample;
}

/**
 * What is to be seen of a running collector over HTTP. It reads the collector's numbers when asked, and changes nothing.
 * May be opened before the collector is started; it is not ready then.
 */
export class Operations {
  /** Others add their conditions. */
  readonly readiness = new Readiness();
  readonly server: HttpServer;
  readonly #collector: Collector;
  readonly #options: OperationsOptions;
  readonly #flows: FlowStreams | null;
  readonly #exposition = new Exposition();
  readonly #topExporters = new TopExporters();
  readonly #history = new History(() => this.#sample());
  #draining = false;

  constructor(collector: Collector, options: OperationsOptions) {
    this.#collector = collector;
    this.#options = options;
    this.#flows = collector.tail && new FlowStreams(collector.tail);
    this.readiness.add('not draining', () => (this.#draining ? 'the collector is stopping' : null));
    this.readiness.add('sockets', () => (collector.started ? null : 'not bound yet'));
    this.readiness.add('workers', () => {
      const { alive, configured } = collector.parts().workers;
      return alive >= configured ? null : `${alive} of ${configured} alive`;
    });
    const store = () => collector.parts().store;
    this.readiness.add(
      'template store',
      () => storeProblem(store(), options.storeOptional ?? false),
      () => storeTrouble(store()),
    );
    const access = new Access(options.token, options.anyHost);
    this.server = new HttpServer(new Map([...pageRoutes(), ...this.#routes()]), access);
  }

  /** Not ready from now on: the first step of stopping. */
  drain(): void {
    this.#draining = true;
  }

  /** Rejects with MillraceError LISTEN_FAILED. */
  async open(host: string, port: number): Promise<void> {
    await this.server.open(host, port);
    this.#history.start();
  }

  async close(): Promise<void> {
    this.#history.stop();
    await this.server.close();
  }

  /** Everything the metrics are made of. */
  async metricSource(): Promise<MetricSource> {
    const collector = this.#collector;
    await collector.countKernelDrops();
    this.#topExporters.update(collector.scopes(), this.#options.clock.wallMs());
    return {
      report: collector.report(),
      parts: collector.parts(),
      exporters: this.#topExporters.series,
      process: processNumbers(),
      info: this.#options.info,
      ready: this.readiness.report().ready,
      http: this.server,
      flows: this.#flows ?? { readers: 0, sent: 0, lost: 0 },
    };
  }

  #routes(): [string, Route][] {
    const route = (
      path: string,
      parameters: readonly string[],
      handle: Route['handle'],
      open = false,
    ): [string, Route] => [path, { parameters, open, handle }];
    return [
      route('/health', [], () => this.#health(), true),
      route('/ready', [], () => this.#ready(), true),
      route('/metrics', [], async () => {
        const body = await this.#exposition.text(await this.metricSource());
        return { status: 200, type: this.#exposition.contentType, body };
      }),
      route('/info', [], () => json(200, this.#describe())),
      route('/status', [], async () => {
        await this.#collector.countKernelDrops();
        return json(200, this.#status());
      }),
      route('/history', [], () => json(200, this.#history)),
      route('/ledger', [], async () => {
        await this.#collector.countKernelDrops();
        return json(200, this.#collector.report());
      }),
      route('/exporters', ['limit', 'exporter'], (request) => {
        return json(200, describeExporters(this.#collector.scopes(), listed(request), only(request)));
      }),
      route('/templates', ['limit', 'exporter'], (request) => {
        const { maxFieldsListed } = HTTP_LIMITS;
        const { elements } = this.#collector;
        const scopes = this.#collector.scopes();
        return json(
          200,
          describeTemplates(scopes, elements, listed(request), only(request), maxFieldsListed),
        );
      }),
      ...(this.#flows === null
        ? []
        : [route('/flows', ['filter', 'limit', 'sample'], (request) => this.#flows!.open(request))]),
    ];
  }

  #sample(): Sample {
    const { clock } = this.#options;
    return takeSample(clock.wallMs(), this.#collector.report(), this.#collector.parts(), processNumbers());
  }

  #health() {
    const { configured, alive, lost } = this.#collector.parts().workers;
    const problem = healthProblem(this.#collector);
    return json(problem === null ? 200 : 503, {
      status: problem ?? 'ok',
      uptimeSeconds: Math.round(process.uptime()),
      workers: { configured, alive, lost },
    });
  }

  #ready() {
    const report = this.readiness.report();
    return json(report.ready ? 200 : 503, report);
  }

  #describe() {
    const { version, commit, node, startedAtMs, configurationDigest } = this.#options.info;
    const { receivers, workers, sharedMemoryBytes } = this.#collector.parts();
    return {
      name: 'millrace',
      version,
      commit,
      node,
      startedAt: timeText(startedAtMs),
      configurationDigest: configurationDigest(),
      receiving: this.#collector.receiving,
      receivers: receivers.map(({ name }) => name),
      workers: workers.configured,
      sharedMemoryBytes,
    };
  }

  #status(): StatusDocument {
    return {
      at: timeText(this.#options.clock.wallMs()),
      version: this.#options.info.version,
      ...this.readiness.report(),
      ledger: this.#collector.report(),
      parts: this.#collector.parts(),
      process: processNumbers(),
      sample: this.#sample(),
    };
  }
}

function listed(request: Request): number {
  return integerParameter(request, 'limit', 1, HTTP_LIMITS.maxListed, HTTP_LIMITS.listed);
}

/** The address of one exporter, in the form in which exporters are listed. */
function only({ parameters }: Request): string | null {
  const text = parameters.get('exporter');
  if (text === undefined) return null;
  const address = new Uint8Array(16);
  if (!parseAddress(text, address)) throw new RequestError(400, 'exporter: allowed is an IP address');
  return addressText(address, 0);
}
