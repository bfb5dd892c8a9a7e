import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { LOAD_METHOD } from '../pipeline/method.ts';
import { type Report, writeReport } from '../report.ts';
import { collectors, INSTALL, type PeerCollector, versionOf } from './collectors.ts';
import { type CollectorRun, measureCollector, WARMUP_SECONDS } from './measure-collector.ts';
import { type DecoderRun, measureDecoders } from './measure-decoders.ts';
import { PROJECT } from './places.ts';

/** `npm run bench:peers`: the same traffic through other collectors and libraries, one at a time. Linux only. */
const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '2000,10000' },
    seconds: { type: 'string', default: '10' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string' },
    install: { type: 'boolean', default: false },
    out: { type: 'string', default: 'perf-reports' },
  },
});
const LOAD = { exporters: 16, templates: 1, seed: 1, maxDatagramBytes: 1384 };
const DECODER_ROUNDS = 5;

if (values.install) {
  for (const [peer, lines] of Object.entries(INSTALL)) {
    if (versionOf(peer) !== null) continue;
    for (const line of lines) {
      console.log(line);
      execFileSync('sh', ['-c', line], { stdio: 'inherit', cwd: PROJECT });
    }
  }
}

const wanted = values.only?.split(',');
const all = collectors(Number(values.workers)).filter(
  ({ name }) => wanted === undefined || wanted.some((part) => name.includes(part)),
);
const absent = all.filter(({ version }) => version === null);
const runs: CollectorRun[] = [];
const failed: string[] = [];
for (const rate of values.rate.split(',').map(Number)) {
  for (const peer of all.filter(({ version }) => version !== null)) {
    try {
      const run = await measureCollector(peer, LOAD, rate, Number(values.seconds));
      runs.push(run);
      console.log(
        `${run.name} ${run.version} at ${Math.round(run.rate)}/s: ${run.userNsPerFlow.toFixed(0)} + ` +
          `${run.systemNsPerFlow.toFixed(0)} ns/flow, dropped ${run.kernelDropped}, written ${(run.written * 100).toFixed(2)} %`,
      );
    } catch (error) {
      failed.push(`${peer.name} at ${rate}/s: ${(error as Error).message}`);
      console.error(failed.at(-1));
    }
  }
}
const decoders = await measureDecoders(LOAD, DECODER_ROUNDS);
for (const { name, nsPerFlow } of decoders) console.log(`${name}: ${nsPerFlow.toFixed(0)} ns/flow`);
console.log(writeReport(report(runs, decoders, absent, failed), values.out));
if (failed.length > 0) process.exitCode = 1;

function report(
  runs: CollectorRun[],
  decoders: DecoderRun[],
  absent: PeerCollector[],
  failed: string[],
): Report {
  const total = (run: CollectorRun): number => run.userNsPerFlow + run.systemNsPerFlow;
  const sorted = [...runs].sort((a, b) => a.asked - b.asked || total(a) - total(b));
  const rates = [...new Set(runs.map(({ asked }) => asked))];
  return {
    topic: 'peers',
    title: 'Millrace beside other collectors and libraries',
    question:
      'How much CPU time does a flow cost, from the socket to a file, and from bytes in memory to records?',
    method:
      `${LOAD_METHOD} One collector at a time on the same cores, ${values.seconds} s after ${WARMUP_SECONDS} s of the same load. CPU time of the ` +
      `whole process tree, from the begin of the load until it is idle again, by the flows that reached it; ` +
      `user and system in the proportion of the kernel’s ticks; what it takes from SIGTERM to its end, with what was not written yet, stands apart (ending ms). Settings: defaults, receive buffer 32 MiB where there is a ` +
      `setting, Millrace with ${values.workers} decode worker(s). Files go to memory (/dev/shm) where there is such a place, and to pages that the machine has used just before: ` +
      `a virtual machine would have its host find new ones, which costs more than writing them. Files differ in what they hold: nfcapd writes binary ` +
      `records, the others text or binary rows with field names; nfacctd leaves out three of the 21 fields. Decoders: one thread, ` +
      `fed from memory, the best of ${DECODER_ROUNDS} rounds.`,
    command: `npm run bench:peers -- --rate ${values.rate} --seconds ${values.seconds} --workers ${values.workers}`,
    tables: [
      {
        title: 'Whole collectors: UDP to file, CPU ns per flow',
        columns: [
          'collector',
          'version',
          'writes',
          'datagrams/s',
          'user',
          'system',
          'both',
          'flows per CPU second',
          'ending ms',
          'kernel drops',
          'flows written, %',
          'bytes per flow',
          'peak MiB',
          'load',
        ],
        rows: sorted.map((run) => [
          run.name,
          run.version,
          run.writes,
          Math.round(run.rate),
          run.userNsPerFlow,
          run.systemNsPerFlow,
          total(run),
          Math.round(1e9 / total(run)),
          run.endingMs,
          run.kernelDropped,
          run.written * 100,
          run.bytesPerFlow,
          run.peakBytes / 2 ** 20,
          run.loadAverage,
        ]),
      },
      {
        title: 'Decoders: memory to records, CPU ns per flow',
        columns: ['decoder', 'version', 'makes', 'ns per flow'],
        rows: decoders.map(({ name, version, makes, nsPerFlow }) => [name, version, makes, nsPerFlow]),
      },
      {
        title: 'Not on this machine',
        columns: ['peer', 'how to install it'],
        rows: absent.map(({ name, install }) => [name, install.join(' && ')]),
      },
    ].filter(({ rows }) => rows.length > 0),
    plots: [],
    findings: [
      ...rates.map((rate) => {
        const at = sorted.filter(({ asked }) => asked === rate);
        return `At ${rate} datagrams/s, ns per flow: ${at.map((run) => `${run.name} ${total(run).toFixed(0)}`).join(', ')}.`;
      }),
      ...runs
        .filter(({ kernelDropped }) => kernelDropped > 0)
        .map(
          (run) =>
            `${run.name} lost ${run.kernelDropped} of ${run.sent.datagrams} datagrams at ${Math.round(run.rate)}/s.`,
        ),
      ...runs
        .filter(({ written }) => written < 0.97)
        .map(
          (run) =>
            `${run.name} wrote ${(run.written * 100).toFixed(1)} % of the flows at ${Math.round(run.rate)}/s: what it did not write cost it less.`,
        ),
      ...failed.map((text) => `Could not be measured: ${text}`),
    ],
    data: { runs, decoders },
  };
}
