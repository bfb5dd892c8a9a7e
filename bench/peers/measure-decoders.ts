import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DatagramPool, type PoolOptions } from '../pipeline/datagram-pool.ts';
import { RUST_PROGRAM, versionOf } from './collectors.ts';
import { INSTALL_FOLDER, PROJECT } from './places.ts';

/** Bytes in memory → records, in one thread of a process of its own. */
export interface DecoderRun {
  name: string;
  version: string;
  makes: string;
  nsPerFlow: number;
  records: number;
}

interface Decoder {
  name: string;
  version: string | null;
  makes: string;
  command: [string, ...string[]];
  /** Rounds over the pool in a run of about a second. */
  passes: number;
}

const here = (module: string): string => fileURLToPath(new URL(module, import.meta.url));

function decoders(file: string): Decoder[] {
  const millrace = [process.execPath, here('./millrace-decode.js')] as const;
  return [
    {
      name: 'Millrace columns',
      version: 'this',
      makes: 'columns of numbers',
      command: [...millrace, 'columns', file],
      passes: 400,
    },
    {
      name: 'Millrace Decoder',
      version: 'this',
      makes: 'an object per record, fields by name',
      command: [...millrace, 'objects', file],
      passes: 40,
    },
    {
      name: 'netflow_parser',
      version: versionOf('netflow_parser'),
      makes: 'a vector of (field, value) per record',
      command: [RUST_PROGRAM, 'memory', file],
      passes: 100,
    },
    {
      name: 'node-netflowv9',
      version: versionOf('node-netflowv9'),
      makes: 'an object per record, fields by name',
      command: [process.execPath, here('./node-netflowv9.js'), 'memory', INSTALL_FOLDER, file],
      passes: 40,
    },
  ];
}

/** Runs each decoder so many times in turn, so that what disturbs one disturbs all; the least CPU time of each counts. */
export async function measureDecoders(load: PoolOptions, rounds: number): Promise<DecoderRun[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-bench-'));
  const file = join(folder, 'pool.bin');
  const pool = new DatagramPool(load, Date.now());
  const parts: Uint8Array[] = [];
  for (let sequence = 0; sequence < pool.round; sequence++) {
    for (let exporter = 0; exporter < pool.exporters; exporter++) {
      const datagram = pool.datagram(exporter, sequence, Date.now());
      parts.push(Uint8Array.of(exporter >> 8, exporter & 255, datagram.length >> 8, datagram.length & 255));
      parts.push(datagram);
    }
  }
  writeFileSync(file, Buffer.concat(parts));
  const best = new Map<string, DecoderRun>();
  try {
    for (let round = 0; round < rounds; round++) {
      for (const { name, version, makes, command, passes } of decoders(file)) {
        if (version === null) continue;
        const [path, ...args] = command;
        const { stdout } = await promisify(execFile)(path, [...args, String(passes)], { cwd: PROJECT });
        const { cpuNs, records } = JSON.parse(stdout) as { cpuNs: number; records: number };
        const nsPerFlow = cpuNs / records;
        if (nsPerFlow < (best.get(name)?.nsPerFlow ?? Number.POSITIVE_INFINITY))
          best.set(name, { name, version, makes, nsPerFlow, records });
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return [...best.values()];
}
