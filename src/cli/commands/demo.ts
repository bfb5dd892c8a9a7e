import { systemClock } from '../../base/clock.ts';
import { Collector } from '../../collector.ts';
import type { OptionValues } from '../../config/options.ts';
import { ExporterSimulator } from '../../generator/exporters.ts';
import type { GeneratorOptions } from '../../generator/generator-options.ts';
import { PacedSender, Pacer } from '../../generator/sender.ts';
import { createLog } from '../../ops/log.ts';
import { parseOutputUri } from '../../output/output-uri.ts';
import { complain, ExitCode, say } from '../errors.ts';
import { ledgerTable } from '../ledger-table.ts';
import { realTroubles } from '../outputs.ts';
import { Stop } from '../stop.ts';

/** A terminal's worth of flows: datagrams per second of all exporters together, and flows in each. */
const DATAGRAMS_PER_SECOND = 5;
const RECORDS_PER_DATAGRAM = 3;
const WORKERS = 2;

const EXPORTERS: readonly Partial<GeneratorOptions>[] = [
  { version: 5, exporters: 1, seed: 5 },
  { version: 9, exporters: 2, seed: 9, options: true },
  { version: 10, exporters: 2, seed: 10, templates: 2 },
];

/** A collector and simulated exporters in one process. Returns the exit code. */
export async function demo(values: OptionValues<'demo'>): Promise<number> {
  const stop = new Stop();
  const collector = new Collector({
    source: { listen: [{ host: '127.0.0.1', port: 0 }] },
    outputs: [parseOutputUri('stdout:', { format: 'text', schema: 'millrace' })],
    workers: WORKERS,
    receiveBufferBytes: 65_536,
    log: createLog({ level: values.quietLogLevel, format: 'text', colour: process.stderr.isTTY === true }),
    onOutputClosed: () => stop.request(),
  });
  await collector.start();
  const [port] = collector.ports;
  say(
    `demo: five simulated exporters send NetFlow v5, v9 and IPFIX to 127.0.0.1:${port}, and the collector shows the flows; ` +
      'Ctrl-C ends it',
  );
  await sendUntilStopped(port, stop);
  const report = await collector.stop();
  const { troubles } = collector.status();
  const [trouble] = realTroubles(troubles);
  if (trouble !== undefined) {
    complain(trouble);
    return ExitCode.failed;
  }
  if (troubles.length === 0) say(`\n${ledgerTable(report)}`);
  return ExitCode.ok;
}

async function sendUntilStopped(port: number, stop: Stop): Promise<void> {
  const simulators = EXPORTERS.map(
    (options) =>
      new ExporterSimulator({
        ...options,
        startMs: systemClock.wallMs(),
        intervalMs: 0,
        recordsPerDatagram: RECORDS_PER_DATAGRAM,
      }),
  );
  const firstSource = simulators.map((_, i) =>
    simulators.slice(0, i).reduce((sum, { options }) => sum + options.exporters, 0),
  );
  const sender = new PacedSender({ host: '127.0.0.1', port });
  await sender.open();
  const pacer = new Pacer(DATAGRAMS_PER_SECOND, systemClock, { signal: stop.signal });
  for (let i = 0; ; i = (i + 1) % simulators.length) {
    const due = pacer.wait();
    if (due !== undefined) await due;
    if (stop.requested) break;
    const simulator = simulators[i];
    simulator.advanceTo(systemClock.wallMs());
    const { payload, exporter } = simulator.next();
    const room = sender.send(payload, firstSource[i] + exporter);
    if (room !== undefined) await room;
  }
  await sender.close();
}
