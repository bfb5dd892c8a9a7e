import { addressText } from '../base/ip.ts';

/** A UDP socket of the machine, as Linux lists it. */
export interface UdpSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  /** Datagrams dropped for want of buffer space since the socket was made. */
  readonly drops: number;
}

/** Where Linux lists its UDP sockets. An IPv6 socket stands in the second one, whatever it is bound to. */
export const UDP_TABLES = ['/proc/net/udp', '/proc/net/udp6'];
const LOCAL_ADDRESS = 1;
const INODE = 9;

/** The sockets of one table. */
export function parseUdpTable(text: string): UdpSocket[] {
  return text.split('\n').slice(1).flatMap(socketOf);
}

function socketOf(line: string): UdpSocket[] {
  const columns = line.trim().split(/\s+/);
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
