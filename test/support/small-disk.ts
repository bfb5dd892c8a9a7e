/** A file system with little room, for a program that is started in a mount namespace of its own. Linux. */
import { spawnSync } from 'node:child_process';
import { openSync } from 'node:fs';

/** As root of a user namespace, or as root. */
const WAYS = [
  ['unshare', '--user', '--map-root-user', '--mount'],
  ['unshare', '--mount'],
];
const PROBE_TIMEOUT_MS = 10_000;

export interface SmallDisk {
  /** What a command line is put behind: it then runs, under the same process id, where the directory is such a disk. */
  under(directory: string, bytes: number): string[];
  /** For the `skip` of tests that need it: false, or why there is none. Nobody can install what the kernel forbids. */
  skip: string | false;
}

/** To be asked for at the top of a file of tests. directory: an empty one. */
export function smallDisk(directory: string): SmallDisk {
  let reason = '';
  for (const way of WAYS) {
    const under = (mountPoint: string, bytes: number): string[] => [
      ...[...way, 'sh', '-c', 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'],
      ...['sh', String(bytes), mountPoint],
    ];
    const [command, ...args] = [...under(directory, 65_536), 'true'];
    const { status, stderr, error } = spawnSync(command, args, {
      encoding: 'utf8',
      timeout: PROBE_TIMEOUT_MS,
    });
    if (status === 0) return { under, skip: false };
    reason = error?.message ?? stderr.trim().split('\n')[0];
  }
  return { under: () => [], skip: `no file system of its own can be mounted here: ${reason}` };
}

/** A path under which the disk of a running process is found, also when the process has ended. */
export function diskOf(pid: number, directory: string): string {
  return `/proc/self/fd/${openSync(`/proc/${pid}/root${directory}`, 'r')}`;
}
