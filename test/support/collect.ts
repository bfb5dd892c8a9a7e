import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Writable } from 'node:stream';
import { unbalanced } from '../../src/accounting/balance.ts';
import { Collector, type CollectorOptions, type CollectorReport } from '../../src/collector.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';

/** A datagram with its source, for feeding. */
export interface Fed {
  payload: Uint8Array;
  address: Uint8Array;
  port: number;
  receivedAtMs: number;
}

export interface Collected {
  report: CollectorReport;
  bytes: number;
  sha256: string;
  /** The output as text; empty where it was not kept. */
  text: string;
}

/** Feeds datagrams through a collector with real decode threads and takes up what it writes. */
export async function collectAll(
  datagrams: Iterable<Fed> | AsyncIterable<Fed>,
  options: Partial<CollectorOptions> & { output?: string; keep?: boolean },
  during?: (collector: Collector, fed: number) => void,
  started?: (collector: Collector) => void,
): Promise<Collected> {
  const hash = createHash('sha256');
  const kept: Uint8Array[] = [];
  let bytes = 0;
  const stdout = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      // A Buffer's slice is no copy.
      if (options.keep) kept.push(Uint8Array.from(chunk));
      done();
    },
  });
  const { output, keep: _keep, ...rest } = options;
  const collector = new Collector({
    source: 'feeder',
    outputs: [
      parseOutputUri(output ?? 'stdout:?format=ndjson&schema=iana', { format: 'ndjson', schema: 'iana' }),
    ],
    workers: 2,
    stdout,
    ...rest,
  });
  await collector.start();
  started?.(collector);
  let fed = 0;
  for await (const { payload, address, port, receivedAtMs } of datagrams) {
    const wait = collector.feeder.feed(payload, address, port, receivedAtMs);
    if (wait !== undefined) await wait;
    fed++;
    during?.(collector, fed);
  }
  collector.feeder.flush();
  const report = await collector.stop();
  assertBalanced(report);
  return { report, bytes, sha256: hash.digest('hex'), text: Buffer.concat(kept).toString() };
}

/** Every equation of the ledger. */
export function assertBalanced(report: CollectorReport): void {
  assert.deepEqual(unbalanced(report), []);
}
