import { parseUdpTable, UDP_TABLES, type UdpSocket } from '../../receive/udp-table.ts';
import type { Machine } from './machine.ts';

/** null where the system has no such list. */
export async function udpSockets(machine: Machine): Promise<UdpSocket[] | null> {
  const texts = await Promise.all(UDP_TABLES.map((path) => machine.text(path.slice(1))));
  if (texts.every((text) => text === null)) return null;
  return texts.flatMap((text) => parseUdpTable(text ?? ''));
}

/** The process that has a socket open, as far as it may be seen. */
export async function ownerOf(
  machine: Machine,
  inode: number,
): Promise<{ pid: number; command: string } | null> {
  for (const process of await machine.processes()) {
    const folder = `proc/${process.pid}/fd`;
    for (const name of await machine.names(folder)) {
      if ((await machine.link(`${folder}/${name}`)) === `socket:[${inode}]`) return process;
    }
  }
  return null;
}
