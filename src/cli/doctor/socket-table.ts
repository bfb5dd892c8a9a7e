import { addressText } from '../../base/ip.ts';
import type { Machine } from './machine.ts';

/** A socket of the machine, as Linux lists it. */
export interface ListedSocket {
  readonly address: string;
  readonly port: number;
  readonly inode: number;
  /** Of UDP: datagrams dropped for want of buffer space since the socket was made. */
  readonly drops: number;
}

const LOCAL_ADDRESS = 1;
const STATE = 3;
const LISTENING = '0A';
const INODE = 9;

/** Those that receive: all of UDP, or the listening ones of TCP. null where the system has no such list. */
export async function socketsOf(machine: Machine, protocol: 'udp' | 'tcp'): Promise<ListedSocket[] | null> {
  const tables = [`proc/net/${protocol}`, `proc/net/${protocol}6`];
  const texts = await Promise.all(tables.map((path) => machine.text(path)));
  if (texts.every((text) => text === null)) return null;
  const lines = texts.flatMap((text) => (text ?? '').split('\n').slice(1));
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
