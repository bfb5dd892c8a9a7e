/** Collectors that share a template store, as processes of their own, and exporters that send to them. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after } from 'node:test';
import type { CollectorReport } from '../../src/collector.ts';
import type { StoreReport } from '../../src/dispatch/store-host.ts';
import { Running } from '../cli/child.ts';
import { concat, ipfix, set, template, u16, u32 } from './bytes.ts';
import { until } from './until.ts';

export interface Flow {
  exporter: string;
  domain: number;
  octets: number;
  packets: number;
  rate: number | undefined;
}

export class FleetCollector {
  readonly running: Running;
  port = 0;

  private constructor(running: Running) {
    this.running = running;
  }

  static async start(store: string, ...args: string[]): Promise<FleetCollector> {
    const collector = FleetCollector.launch(store, ...args);
    collector.port = await collector.running.port();
    return collector;
  }

  /** Without waiting until it listens. */
  static launch(store: string, ...args: string[]): FleetCollector {
    const fixed = ['--listen', 'netflow://127.0.0.1:0', '--log-format', 'json', '--status-interval', '1s'];
    const rest = ['--workers', '1', '--recv-buffer', '4MiB', '--output', 'stdout:?format=ndjson'];
    return new FleetCollector(new Running(['collect', ...fixed, ...rest, '--templates', store, ...args]));
  }

  /** Lines of the log that have a field. */
  #logged(field: string): Record<string, unknown>[] {
    return this.running.stderr
      .split('\n')
      .filter((line) => line.includes(`"${field}"`) && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  get store(): StoreReport | undefined {
    return this.#logged('store').at(-1)?.['store'] as StoreReport | undefined;
  }

  get log(): string {
    return this.running.stderr;
  }

  /** Resolves when everything up to a position of the log is visible here. */
  async applied(index: number): Promise<void> {
    await until(`log ${index} applied`, () => (this.store?.applied ?? -1) >= index);
  }

  get flows(): Flow[] {
    return this.running.stdout
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => {
        const record = JSON.parse(line) as Record<string, never>;
        return {
          exporter: record['exporter_addr'],
          domain: record['observation_domain_id'],
          octets: Number(record['bytes']),
          packets: Number(record['packets']),
          rate: record['sampling_rate'],
        };
      });
  }

  async stop(): Promise<CollectorReport> {
    this.running.kill('SIGTERM');
    const { code, stderr } = await this.running.ended;
    assert.equal(code, 0, stderr);
    return this.#logged('ledger').at(-1)?.['ledger'] as CollectorReport;
  }

  async kill(): Promise<void> {
    this.running.kill('SIGKILL');
    await this.running.ended;
  }
}

/** Sockets of exporters, by source address. */
export class Exporters {
  readonly #sockets = new Map<string, Promise<Socket>>();

  constructor() {
    after(() => this.close());
  }

  async send(address: string, port: number, payload: Uint8Array): Promise<void> {
    const socket = await this.#socket(address);
    await new Promise<void>((resolve, reject) => {
      socket.send(payload, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) (await socket).close();
    this.#sockets.clear();
  }

  #socket(address: string): Promise<Socket> {
    let socket = this.#sockets.get(address);
    if (socket === undefined) {
      const opened = createSocket('udp4');
      opened.bind(0, address);
      socket = once(opened, 'listening').then(() => opened);
      this.#sockets.set(address, socket);
    }
    return socket;
  }
}

/**
 * Two definitions of equal length: octetDeltaCount and packetDeltaCount in this and in the other order. Data always say a
 * thousand octets for each packet, so a record that was decoded with the other definition is seen.
 */
export const OCTETS_FIRST = [
  [1, 4],
  [2, 4],
] as [number, number][];
export const PACKETS_FIRST = [
  [2, 4],
  [1, 4],
] as [number, number][];

export type Definition = typeof OCTETS_FIRST;

/** A message of an exporter; time goes on with every message, as exporters' time does. */
export class ExporterMessages {
  readonly domain: number;
  #sequence = 0;
  #seconds = 1_700_000_000;

  constructor(domain: number) {
    this.domain = domain;
  }

  announce(id: number, definition: Definition): Uint8Array {
    return this.#message(0, set(2, template(id, ...definition)));
  }

  withdraw(id: number): Uint8Array {
    return this.#message(0, set(2, u16(id, 0)));
  }

  data(id: number, definition: Definition, ...packets: number[]): Uint8Array {
    const records = packets.map((n) => (definition === OCTETS_FIRST ? u32(n * 1000, n) : u32(n, n * 1000)));
    return this.#message(packets.length, set(id, concat(...records)));
  }

  raw(...sets: Uint8Array[]): Uint8Array {
    return this.#message(0, ...sets);
  }

  #message(records: number, ...sets: Uint8Array[]): Uint8Array {
    const header = { domain: this.domain, sequence: this.#sequence, seconds: this.#seconds++ };
    this.#sequence += records;
    return ipfix(header, ...sets);
  }
}

export function assertRight(flows: readonly Flow[]): void {
  for (const { octets, packets } of flows) assert.equal(octets, packets * 1000);
}
