import { readFile } from 'node:fs/promises';

/** Where Linux lists its UDP sockets, with the datagrams dropped for want of buffer space. */
const TABLES = ['/proc/net/udp', '/proc/net/udp6'];

/**
 * Datagrams the kernel dropped at sockets bound to these ports, since the sockets were made. NaN where the system does not
 * tell (not Linux). A port that another process shares counts in full.
 */
export async function kernelDrops(ports: ReadonlySet<number>): Promise<number> {
  let drops = Number.NaN;
  for (const table of TABLES) {
    let text: string;
    try {
      text = await readFile(table, 'latin1');
    } catch {
      continue;
    }
    if (Number.isNaN(drops)) drops = 0;
    for (const line of text.split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      const port = Number.parseInt(columns[1]?.split(':')[1] ?? '', 16);
      if (ports.has(port)) drops += Number(columns[columns.length - 1]) || 0;
    }
  }
  return drops;
}
