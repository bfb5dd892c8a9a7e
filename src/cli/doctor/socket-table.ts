import {
  type ListedSocket,
  parseSocketTable,
  type SocketProtocol,
  socketTables,
} from '../../receive/socket-table.ts';
import type { Machine } from './machine.ts';

/** Those that receive; null where the system has no such list. */
export async function socketsOf(machine: Machine, protocol: SocketProtocol): Promise<ListedSocket[] | null> {
  const tables = socketTables(protocol).map((path) => machine.text(path.slice(1)));
  const texts = await Promise.all(tables);
  if (texts.every((text) => text === null)) return null;
  return texts.flatMap((text) => parseSocketTable(text ?? '', protocol));
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
