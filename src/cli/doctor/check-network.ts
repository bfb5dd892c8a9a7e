import { MillraceError } from '../../base/errors.ts';
import { ipv4Text } from '../../base/ip.ts';
import { type Endpoint, endpointText } from '../../config/values.ts';
import { probeServe } from '../../ops/http/server.ts';
import { escapeHidden } from '../../output/utf8.ts';
import { probeListen } from '../../receive/dgram-receiver.ts';
import type { Check, Finding, Subject } from './finding.ts';
import { ownerOf, socketsOf } from './socket-table.ts';

const MAX_COMMAND_CHARACTERS = 120;

/** Whether the listen addresses are free, and who has them otherwise. */
export const ports: Check = async ({ machine, listen }) => {
  const findings: Finding[] = [];
  const probes = await Promise.allSettled(listen.map(probeListen));
  for (const probe of probes) if (probe.status === 'fulfilled') probe.value();
  for (const [i, probe] of probes.entries()) {
    const endpoint = listen[i];
    if (probe.status === 'fulfilled') {
      findings.push({ severity: 'ok', text: `${endpointText(endpoint)} is free` });
    } else {
      const error: unknown = probe.reason;
      if (!(error instanceof MillraceError)) throw error;
      const { code } = error.cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') findings.push(await taken(machine, 'udp', endpoint, OTHER_ADDRESS));
      else
        findings.push({
          severity: 'error',
          text: error.message,
          fix: LISTEN_FIXES[code ?? ''] ?? OTHER_ADDRESS,
        });
    }
  }
  return findings;
};

const OTHER_ADDRESS = '--listen with another address or port';
const LISTEN_FIXES: Readonly<Record<string, string>> = {
  EACCES:
    'setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")", or --listen with a port above 1023',
  EADDRNOTAVAIL:
    '--listen with an address of this machine (ip address), or netflow://[::]:PORT for all of them',
  EAFNOSUPPORT: '--listen netflow://0.0.0.0:PORT: there is no IPv6 here',
};

/** Whether the address of the status page is free. The default one need not be: a collector goes on without it. */
export const http: Check = async ({ machine, http: wanted }) => {
  if (wanted === null) return [];
  const { endpoint, isDefault } = wanted;
  try {
    await probeServe(endpoint);
    return [{ severity: 'ok', text: `${endpointText(endpoint)} is free` }];
  } catch (error) {
    if (!(error instanceof MillraceError)) throw error;
    const fix = '--http with another address or port, or off';
    const { code } = error.cause as NodeJS.ErrnoException;
    if (code !== 'EADDRINUSE') return [{ severity: 'error', text: error.message, fix }];
    const finding = await taken(machine, 'tcp', endpoint, fix);
    if (!isDefault || finding.severity === 'note') return [finding];
    return [{ ...finding, severity: 'warning', text: `${finding.text}: no status page and metrics` }];
  }
};

async function taken(
  machine: Subject['machine'],
  protocol: 'udp' | 'tcp',
  { host, port }: Endpoint,
  otherAddress: string,
): Promise<Finding> {
  const sockets = ((await socketsOf(machine, protocol)) ?? []).filter((socket) => socket.port === port);
  const socket = sockets.find(({ address }) => address === host) ?? sockets[0];
  const owner = socket === undefined ? null : await ownerOf(machine, socket.inode);
  const name = endpointText({ host, port });
  if (owner === null) {
    return {
      severity: 'error',
      text: `${name} is taken, by whom cannot be seen`,
      fix: `sudo ss -${protocol[0]}lnp 'sport = :${port}'`,
    };
  }
  const { pid, command } = owner;
  const who = `process ${pid} (${escapeHidden(JSON.stringify(command.slice(0, MAX_COMMAND_CHARACTERS)))})`;
  if (/\b(millrace|main\.js)\b.* collect\b/.test(command)) {
    return { severity: 'note', text: `${name} is taken by a collector that is running, ${who}` };
  }
  return { severity: 'error', text: `${name} is taken by ${who}`, fix: `kill ${pid}, or ${otherAddress}` };
}

const HOST_NETWORK = 'docker run --network host (Compose: network_mode: host; Kubernetes: hostNetwork: true)';

/** Signs that a container network replaces the addresses of exporters by one of its own. */
export const container: Check = async ({ machine, listen }) => {
  const findings: Finding[] = [];
  for (const { pid, command } of await machine.processes()) {
    const port = /^\S*docker-proxy .*-proto udp .*-host-port (\d+)/.exec(command)?.[1];
    if (port === undefined || !listen.some((endpoint) => endpoint.port === Number(port))) continue;
    const text = `docker-proxy (process ${pid}) publishes UDP port ${port}: datagrams may all seem to come from the gateway`;
    findings.push({ severity: 'warning', text, fix: HOST_NETWORK });
  }
  const gateway = defaultGateway(await machine.text('proc/net/route'));
  const inside =
    (await machine.text('.dockerenv')) !== null || (await machine.text('run/.containerenv')) !== null;
  if (inside && gateway !== null) {
    const text = `in a container: if all exporters have the address ${gateway}, its network replaces theirs`;
    findings.push({ severity: 'note', text, fix: HOST_NETWORK });
  }
  if (findings.length > 0) return findings;
  const text = inside
    ? 'in a container without a gateway'
    : 'no container network between exporters and this machine is seen';
  return [{ severity: machine.platform === 'linux' ? 'ok' : 'skipped', text }];
};

const DESTINATION = 1;
const GATEWAY = 2;

/** The IPv4 default gateway; null for none. */
function defaultGateway(routes: string | null): string | null {
  for (const line of (routes ?? '').split('\n').slice(1)) {
    const columns = line.split('\t');
    const gateway = columns[GATEWAY] ?? '';
    if (columns[DESTINATION] !== '00000000' || !/^[0-9A-F]{8}$/.test(gateway)) continue;
    return ipv4Text(Buffer.from(gateway, 'hex').readUInt32LE());
  }
  return null;
}
