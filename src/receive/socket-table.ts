import { addressText } from '../base/ip.ts';

/** A socket of the machine, as Linux lists it. */
export interface ListedSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  /** Of UDP: datagrams dropped for want of buffer space since the socket was made. */
  readonly drops: number;
}

export type SocketProtocol = 'udp' | 'tcp';

const LOCAL_ADDRESS = 1;
const STATE = 3;
const LISTENING = '0A';
const INODE = 9;

/** Where Linux lists its sockets. An IPv6 socket stands in the second table, whatever it is bound to. */
export function socketTables(protocol: SocketProtocol): string[] {
  return [`/proc/net/${protocol}`, `/proc/net/${protocol}6`];
}

/** The sockets of a table that receive: all of UDP, the listening ones of TCP. */
export function parseSocketTable(text: string, protocol: SocketProtocol): ListedSocket[] {
  const lines = text.split('\n').slice(1);
  return lines.flatMap((line) => {
    const columns = line.trim().split(/\s+/);
    return protocol === 'tcp' && columns[STATE] !== LISTENING ? [] : socketOf(columns);
  });
}

function socketOf(columns: readonly string[]): ListedSocket[] {
  const local = /^((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})$/.exec(columns[LOCAL_ADDRESS] ?? '');
  if (local === null) return [];
  return [
    {
      address: addressOf(local[1]),
      port: Number.parseInt(local[2], 16),
      inode: Number(columns[INODE]),
      drops: Number(columns[columns.length - 1]) || 0,
    },
  ];
}

/** Words of 32 bits, each as the machine stores them: little-endian on all that Node runs on but one. */
function addressOf(hex: string): string {
  const bytes = new Uint8Array(16);
  if (hex.length === 8) bytes.fill(255, 10, 12);
  const words = Buffer.from(hex, 'hex');
  for (let at = 0; at < words.length; at += 4) words.subarray(at, at + 4).reverse();
  bytes.set(words, 16 - words.length);
  return addressText(bytes, 0);
}
