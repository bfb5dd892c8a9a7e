import { countText } from '../../base/count-text.ts';
import { MAX_RECEIVE_BUFFER_BYTES, MAX_RECEIVERS } from '../../config/schemas.ts';
import { byteText } from '../text.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { socketsOf } from './socket-table.ts';

const CAP_NET_ADMIN = 12n;
/** What `--recv-buffer` asks for, against what the kernel gives. */
export const socketBuffers: Check = async ({ machine, receiveBufferBytes, receive }) => {
  const most = await machine.number('proc/sys/net/core/rmem_max');
  const usual = await machine.number('proc/sys/net/core/rmem_default');
  if (most === null) return [notHere(machine.platform, 'the limit of socket buffers')];
  const sizes = `net.core.rmem_max is ${most} (${byteText(most)}), rmem_default ${usual ?? 'unknown'}`;
  const asked = `--recv-buffer asks for ${receiveBufferBytes} (${byteText(receiveBufferBytes)})`;
  if (most >= receiveBufferBytes) return [{ severity: 'ok', text: `${sizes}; ${asked}` }];
  const fix = `sysctl -w net.core.rmem_max=${receiveBufferBytes}`;
  const forced = receive !== 'dgram' && (await mayForceBuffers(machine));
  return [
    forced
      ? { severity: 'note', text: `${sizes}; ${asked}, which only a collector with CAP_NET_ADMIN gets`, fix }
      : { severity: 'warning', text: `${sizes}; ${asked}: bursts will be dropped`, fix },
  ];
};

/** Whether this process may go beyond rmem_max. */
async function mayForceBuffers(machine: Subject['machine']): Promise<boolean> {
  const capabilities = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec((await machine.text('proc/self/status')) ?? '');
  return capabilities !== null && ((BigInt(`0x${capabilities[1]}`) >> CAP_NET_ADMIN) & 1n) === 1n;
}

const DROPPED = 1;

/** The queue between the network card and the protocol, with what it has dropped since the machine started. */
export const backlog: Check = async ({ machine }) => {
  const length = await machine.number('proc/sys/net/core/netdev_max_backlog');
  const text = await machine.text('proc/net/softnet_stat');
  if (length === null || text === null) return [notHere(machine.platform, 'the queue of the network card')];
  const dropped = text
    .trim()
    .split('\n')
    .reduce((sum, line) => sum + (Number.parseInt(line.split(/\s+/)[DROPPED] ?? '', 16) || 0), 0);
  const found = `net.core.netdev_max_backlog is ${length}; ${countText(dropped, 'packet')} dropped there since the start of the machine`;
  if (dropped === 0) return [{ severity: 'ok', text: found }];
  return [{ severity: 'warning', text: found, fix: `sysctl -w net.core.netdev_max_backlog=${length * 4}` }];
};

/** What the kernel has dropped at UDP sockets: of the listen ports, and of the whole machine. */
export const udpDrops: Check = async ({ machine, listen, receiveBufferBytes, receive, receivers }) => {
  const counters = udpCounters(await machine.text('proc/net/snmp'), await machine.text('proc/net/snmp6'));
  const sockets = await socketsOf(machine, 'udp');
  if (counters === null || sockets === null) return [notHere(machine.platform, 'dropped datagrams')];
  const findings: Finding[] = [];
  for (const port of new Set(listen.map((endpoint) => endpoint.port))) {
    const here = sockets.filter((socket) => socket.port === port);
    if (here.length === 0) continue;
    const drops = here.reduce((sum, socket) => sum + socket.drops, 0);
    const text = `${countText(drops, 'datagram')} dropped at port ${port} since it was opened, because nobody fetched them in time`;
    if (drops === 0) findings.push({ severity: 'ok', text });
    else findings.push({ severity: 'warning', text, fix: moreRoom(receiveBufferBytes, receive, receivers) });
  }
  const { received, full, memory } = counters;
  const all = `${full} of ${countText(received + full, 'datagram')} to all programs dropped for full buffers since the start of the machine`;
  findings.push({ severity: full === 0 ? 'ok' : 'note', text: all });
  if (memory > 0) {
    const text = `${countText(memory, 'datagram')} dropped because all UDP sockets together hold too much (net.ipv4.udp_mem)`;
    findings.push({
      severity: 'warning',
      text,
      fix: udpMemFix(await machine.text('proc/sys/net/ipv4/udp_mem')),
    });
  }
  return findings;
};

/** Twice of both, as far as the options allow it. */
function moreRoom(bufferBytes: number, receive: Subject['receive'], receivers: number): string {
  const buffer = `--recv-buffer ${Math.min(bufferBytes * 2, MAX_RECEIVE_BUFFER_BYTES)}`;
  return receive === 'dgram'
    ? `${buffer} --receive auto`
    : `${buffer} --receivers ${Math.min(receivers * 2, MAX_RECEIVERS)}`;
}

function udpMemFix(text: string | null): string {
  const pages = (text ?? '').trim().split(/\s+/).map(Number);
  const doubled = pages.length === 3 && pages.every(Number.isSafeInteger) ? pages.map((n) => n * 2) : [];
  return doubled.length === 0
    ? 'raise net.ipv4.udp_mem'
    : `sysctl -w net.ipv4.udp_mem='${doubled.join(' ')}'`;
}

/** Of all UDP sockets: datagrams delivered, dropped for a full buffer, dropped for want of memory; null when not told. */
function udpCounters(
  snmp: string | null,
  snmp6: string | null,
): { received: number; full: number; memory: number } | null {
  const [names, values] = (snmp ?? '')
    .split('\n')
    .filter((line) => line.startsWith('Udp: '))
    .map((line) => line.trim().split(' ').slice(1));
  if (names === undefined || values === undefined) return null;
  const count = (name: string): number => {
    const six = new RegExp(`^Udp6${name}\\s+(\\d+)$`, 'm').exec(snmp6 ?? '')?.[1];
    return (Number(values[names.indexOf(name)]) || 0) + Number(six ?? 0);
  };
  return { received: count('InDatagrams'), full: count('RcvbufErrors'), memory: count('MemErrors') };
}

export function notHere(platform: string, what: string): Finding {
  return { severity: 'skipped', text: `${what}: the system does not tell (${platform})` };
}
