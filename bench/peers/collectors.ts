import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FORMATS } from '../../src/output/encoder.ts';
import { INSTALL_FOLDER, output, PROJECT, program } from './places.ts';

/** A whole collector: UDP in, file out. */
export interface PeerCollector {
  name: string;
  /** What it writes. */
  writes: string;
  /** null: not on this machine. */
  version: string | null;
  /** How to get it. */
  install: string[];
  command(port: number, folder: string): [program: string, ...args: string[]];
  /** Flows in what it wrote; null where there is no way to count them. */
  flows(folder: string): number | null;
}

const BUFFER_BYTES = 32 * 1024 * 1024;
const HARNESS = fileURLToPath(new URL('./node-netflowv9.js', import.meta.url));
const CLI = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

export const RUST_FOLDER = join(INSTALL_FOLDER, 'netflow_parser');
export const RUST_PROGRAM = join(RUST_FOLDER, 'target/release/netflow-parser-bench');

/** As shell lines, to read and to run in the folder of the project. */
export const INSTALL: Readonly<Record<string, string[]>> = {
  nfdump: ['apt-get update && apt-get install -y nfdump'],
  pmacct: ['apt-get update && apt-get install -y pmacct'],
  goflow2: [`GOBIN=${INSTALL_FOLDER}/bin go install github.com/netsampler/goflow2/v2/cmd/goflow2@latest`],
  netflow_parser: [
    `mkdir -p ${RUST_FOLDER}`,
    `cp bench/peers/netflow_parser/Cargo.toml bench/peers/netflow_parser/main.rs ${RUST_FOLDER}/`,
    `cargo build --release --manifest-path ${RUST_FOLDER}/Cargo.toml`,
  ],
  'node-netflowv9': [`npm install --no-save --prefix ${INSTALL_FOLDER} node-netflowv9`],
};

export function versionOf(peer: string): string | null {
  switch (peer) {
    case 'nfdump':
      return (
        program('nfcapd') && (/Version: (\S+)/.exec(output(program('nfcapd')!, ['-V']) ?? '')?.[1] ?? null)
      );
    case 'pmacct':
      return (
        program('nfacctd') && (/nfacctd (\S+)/.exec(output(program('nfacctd')!, ['-V']) ?? '')?.[1] ?? null)
      );
    case 'goflow2': {
      const built = program('goflow2') && output('go', ['version', '-m', program('goflow2')!]);
      return built && (/\tmod\t\S+\t(\S+)/.exec(built)?.[1] ?? 'unknown');
    }
    case 'netflow_parser': {
      if (!statSync(RUST_PROGRAM, { throwIfNoEntry: false })) return null;
      const lock = readFileSync(join(RUST_FOLDER, 'Cargo.lock'), 'utf8');
      return /name = "netflow_parser"\nversion = "(.+)"/.exec(lock)?.[1] ?? 'unknown';
    }
    default: {
      const path = join(INSTALL_FOLDER, 'node_modules/node-netflowv9/package.json');
      if (!statSync(path, { throwIfNoEntry: false })) return null;
      return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
    }
  }
}

export function collectors(workers: number): PeerCollector[] {
  const millrace = readFileSync(join(PROJECT, 'package.json'), 'utf8');
  const version = (JSON.parse(millrace) as { version: string }).version;
  const formats = FORMATS.filter((format) => format !== 'text');
  return [...formats.map((format) => collectorOf(format, version, workers)), ...peers()];
}

function collectorOf(format: string, version: string, workers: number): PeerCollector {
  return {
    name: `Millrace ${format}`,
    writes: `${format} file`,
    version,
    install: [],
    command: (port, folder) => [
      process.execPath,
      CLI,
      'collect',
      '--http',
      'off',
      '--listen',
      `netflow://127.0.0.1:${port}`,
      '--workers',
      String(workers),
      '--output',
      `file:${folder}/flows.out?format=${format}`,
      // Where it is by default the templates of the user's own collector are.
      '--templates',
      `file://${folder}/templates.mrt`,
      '--ledger',
      join(folder, 'ledger.json'),
    ],
    flows: (folder) => {
      const ledger = JSON.parse(readFileSync(join(folder, 'ledger.json'), 'utf8')) as {
        outputs: { written: number }[];
      };
      return ledger.outputs[0].written;
    },
  };
}

/** Every field of the template that it has a name for. */
const PMACCT_FIELDS =
  'src_host,dst_host,src_port,dst_port,proto,tos,tcpflags,src_mask,dst_mask,in_iface,out_iface,peer_src_ip,' +
  'peer_dst_ip,src_as,dst_as,timestamp_start,timestamp_end';

function peers(): PeerCollector[] {
  return [
    {
      name: 'nfcapd',
      writes: 'nfdump file',
      version: versionOf('nfdump'),
      install: INSTALL['nfdump'],
      command: (port, folder) => [
        program('nfcapd')!,
        ...['-b', '127.0.0.1', '-p', String(port), '-w', folder, '-t', '3600', '-B', String(BUFFER_BYTES)],
      ],
      flows: (folder) => {
        const sums = filesIn(folder, 'nfcapd').map((file) => output('nfdump', ['-I', '-r', file]) ?? '');
        return sums.reduce((sum, text) => sum + Number(/^Flows: (\d+)/m.exec(text)?.[1] ?? 0), 0);
      },
    },
    {
      name: 'nfacctd',
      writes: 'JSON lines (print plugin, not aggregated)',
      version: versionOf('pmacct'),
      install: INSTALL['pmacct'],
      command: (port, folder) => {
        const config = join(folder, 'nfacctd.conf');
        writeFileSync(
          config,
          [
            `nfacctd_ip: 127.0.0.1`,
            `nfacctd_port: ${port}`,
            `nfacctd_pipe_size: ${BUFFER_BYTES}`,
            'plugins: print[flows]',
            `aggregate[flows]: ${PMACCT_FIELDS}`,
            'print_output[flows]: json',
            `print_output_file[flows]: ${folder}/flows.json`,
            'print_output_file_append[flows]: true',
            'print_refresh_time[flows]: 2',
            'plugin_buffer_size[flows]: 1048576',
            `plugin_pipe_size[flows]: ${64 * 1024 * 1024}`,
            'print_cache_entries[flows]: 131101',
            '',
          ].join('\n'),
        );
        return [program('nfacctd')!, '-f', config];
      },
      flows: (folder) => lines(join(folder, 'flows.json')),
    },
    goflow2('json', 'JSON lines'),
    goflow2('bin', 'protobuf, not separated'),
    {
      name: 'netflow_parser + serde_json',
      writes: 'JSON lines (harness of this bench)',
      version: versionOf('netflow_parser'),
      install: INSTALL['netflow_parser'],
      command: (port, folder) => [RUST_PROGRAM, 'udp', String(port), join(folder, 'flows.json')],
      // What its buffer holds when it is ended is missing.
      flows: (folder) => lines(join(folder, 'flows.json')),
    },
    {
      name: 'node-netflowv9',
      writes: 'JSON lines (harness of this bench)',
      version: versionOf('node-netflowv9'),
      install: INSTALL['node-netflowv9'],
      command: (port, folder) => [
        process.execPath,
        HARNESS,
        'udp',
        INSTALL_FOLDER,
        String(port),
        join(folder, 'flows.json'),
      ],
      flows: (folder) => lines(join(folder, 'flows.json')),
    },
  ];
}

function goflow2(format: string, writes: string): PeerCollector {
  return {
    name: `goflow2 ${format}`,
    writes,
    version: versionOf('goflow2'),
    install: INSTALL['goflow2'],
    command: (port, folder) => [
      program('goflow2')!,
      ...['-listen', `netflow://127.0.0.1:${port}`, '-addr', '127.0.0.1:0', '-format', format],
      ...['-transport.file', join(folder, 'flows.out'), '-transport.file.sep', format === 'bin' ? '' : '\n'],
    ],
    flows: (folder) => (format === 'json' ? lines(join(folder, 'flows.out')) : null),
  };
}

function filesIn(folder: string, prefix: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith(prefix))
    .map((name) => join(folder, name));
}

function lines(path: string): number | null {
  const text = output('wc', ['-l', path]);
  return text === null ? null : Number(text.trim().split(' ')[0]);
}
