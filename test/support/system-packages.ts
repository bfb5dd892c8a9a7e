/**
 * Programs of the system that tests run beside Node.js. `npm test` installs the missing ones where that needs no question
 * (Debian or Ubuntu, as root); the rest of the tests finds them with requireProgram.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const PROGRAMS = {
  'redis-server': { package: 'redis-server', required: true },
  chromium: { package: 'chromium', required: false },
  promtool: { package: 'prometheus', required: false },
  prlimit: { package: 'util-linux', required: false },
  nginx: { package: 'nginx-light libnginx-mod-stream', required: false },
} as const;
export type ProgramName = keyof typeof PROGRAMS;

/** Set by .ci/run: every program is there, or its tests fail. */
const ALL_REQUIRED = process.env['TEST_PROGRAMS'] === 'required';
const INSTALL_TIMEOUT_MS = 15 * 60_000;

export interface Program {
  /** Empty when the program is missing. */
  path: string;
  /** For the `skip` of tests that need it: false, or what is missing. */
  skip: string | false;
}

/** The program, to be asked for at the top of a file of tests: without one that has to be there the file fails. */
export function requireProgram(name: ProgramName): Program {
  const path = find(name);
  if (path !== null) return { path, skip: false };
  const missing = `${name} is missing: ${installLine([PROGRAMS[name].package])}`;
  if (ALL_REQUIRED || PROGRAMS[name].required) throw new Error(missing);
  return { path: '', skip: missing };
}

/** Installs what is missing, or says why not. */
export function installPrograms(say: (line: string) => void): void {
  const missing = (Object.keys(PROGRAMS) as ProgramName[]).filter((name) => find(name) === null);
  if (missing.length === 0) return;
  const packages = missing.flatMap((name) => PROGRAMS[name].package.split(' '));
  const free = process.getuid?.() === 0 && existsSync('/etc/debian_version');
  if (!free) {
    say(`missing for some tests: ${missing.join(', ')}; to install them: ${installLine(packages)}`);
    return;
  }
  say(`missing for some tests: ${missing.join(', ')}; running ${installLine(packages)}`);
  // RUNLEVEL: the packages bring services, and nobody wants them started.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  for (const args of [['update'], installArguments(packages)]) {
    const { status, stderr, error } = spawnSync('apt-get', ['-q', ...args], {
      env,
      encoding: 'utf8',
      timeout: INSTALL_TIMEOUT_MS,
    });
    if (status !== 0) say(`apt-get ${args[0]} failed: ${error?.message ?? stderr.trim()}`);
  }
}

function find(name: ProgramName): string | null {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this directory.
    }
  }
  return null;
}

function installArguments(packages: readonly string[]): string[] {
  return ['install', '--yes', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=600', ...packages];
}

function installLine(packages: readonly string[]): string {
  return `apt-get install ${packages.join(' ')}`;
}
