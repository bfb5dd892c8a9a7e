import { readFile } from 'node:fs/promises';
import { addressText, parseAddress } from '../base/ip.ts';
import type { ListenAddress } from './receiver.ts';
import { parseSocketTable, socketTables } from './socket-table.ts';

/**
 * Datagrams the kernel dropped at the sockets bound to these addresses, since the sockets were made. NaN where the system does
 * not tell (not Linux). Sockets of other processes that share an address count as well.
 */
export async function kernelDrops(addresses: readonly ListenAddress[]): Promise<number> {
  const names = new Set(addresses.map(nameOf));
  const texts = await Promise.all(
    socketTables('udp').map((table) => readFile(table, 'latin1').catch(() => null)),
  );
  if (texts.every((text) => text === null)) return Number.NaN;
  const sockets = texts.flatMap((text) => parseSocketTable(text ?? '', 'udp'));
  return sockets.reduce(
    (sum, socket) => sum + (names.has(`${socket.address} ${socket.port}`) ? socket.drops : 0),
    0,
  );
}

/** An address can be written in several ways; the table has one. */
function nameOf({ host, port }: ListenAddress): string {
  const bytes = new Uint8Array(16);
  return `${parseAddress(host, bytes) ? addressText(bytes, 0) : host} ${port}`;
}
