import { createWriteStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/**
 * node-netflowv9 fed from memory or over UDP, in a process of its own.
 *   memory FOLDER FILE PASSES   prints CPU ns, records
 *   udp FOLDER PORT FILE        writes one JSON object per flow until SIGTERM
 * FOLDER is where npm installed it.
 */
interface Collected {
  flows?: unknown[];
}
interface Library {
  nfPktDecode(datagram: Uint8Array, source: { address: string; port: number; size: number }): Collected;
  listen(port: number, host: string): void;
}

const [mode, folder, first, second] = process.argv.slice(2);
const make = createRequire(join(folder, 'package.json'))('node-netflowv9') as (
  options: (collected: Collected) => void,
) => Library;

function memory(path: string, passes: number): void {
  const bytes = readFileSync(path);
  const datagrams: { datagram: Uint8Array; source: { address: string; port: number; size: number } }[] = [];
  for (let at = 0; at < bytes.length; ) {
    const exporter = bytes.readUInt16BE(at) + 1;
    const length = bytes.readUInt16BE(at + 2);
    const address = `127.0.${exporter >> 8}.${exporter & 255}`;
    datagrams.push({
      datagram: bytes.subarray(at + 4, at + 4 + length),
      source: { address, port: 2055, size: length },
    });
    at += 4 + length;
  }
  const library = make(() => {});
  const run = (times: number): { cpuNs: number; records: number } => {
    let records = 0;
    const start = process.cpuUsage();
    for (let pass = 0; pass < times; pass++) {
      for (const { datagram, source } of datagrams)
        records += library.nfPktDecode(datagram, source).flows?.length ?? 0;
    }
    const { user, system } = process.cpuUsage(start);
    return { cpuNs: (user + system) * 1000, records };
  };
  run(Math.ceil(passes / 4));
  console.log(JSON.stringify(run(passes)));
  process.exit();
}

function udp(port: number, path: string): void {
  const out = createWriteStream(path);
  const library = make(({ flows = [] }) => {
    let text = '';
    for (const flow of flows) text += `${JSON.stringify(flow)}\n`;
    out.write(text);
  });
  library.listen(port, '127.0.0.1');
  process.on('SIGTERM', () => out.end(() => process.exit()));
}

if (mode === 'memory') memory(first, Number(second));
else udp(Number(first), second);
