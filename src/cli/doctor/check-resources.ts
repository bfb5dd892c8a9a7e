import type { StatsFs } from 'node:fs';
import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { countText } from '../../base/count-text.ts';
import { describeError } from '../../base/errors.ts';
import { loadSystemCalls } from '../../base/system-calls.ts';
import { escapeHidden } from '../../output/utf8.ts';
import { byteText } from '../text.ts';
import type { Check, Finding } from './finding.ts';

/** Threads against cores, and against what a container may use of them. */
export const cores: Check = async ({ machine, cores: count, workers, receivers, listen }) => {
  const findings: Finding[] = [];
  const calls = loadSystemCalls();
  const receiving = typeof calls === 'string' ? 0 : receivers * listen.length;
  const threads = [countText(workers, 'decode thread'), countText(receiving, 'receive thread')].join(', ');
  const text = `${countText(count, 'core')}; ${threads} and the main thread`;
  if (workers > count) {
    const fix = `--workers ${Math.max(1, count - 1)}`;
    findings.push({ severity: 'warning', text: `${text}: they will wait for each other`, fix });
  } else findings.push({ severity: 'ok', text });
  const [quota, period] = ((await machine.text('sys/fs/cgroup/cpu.max')) ?? '').trim().split(' ').map(Number);
  if (quota > 0 && period > 0 && quota / period < workers + 1) {
    const allowed = (quota / period).toFixed(1);
    const less = Math.max(1, Math.floor(quota / period) - 1);
    findings.push({
      severity: 'warning',
      text: `the control group allows ${allowed} cores, less than the threads may use: they will be stopped now and then`,
      fix: `--workers ${less}, or a larger CPU limit`,
    });
  }
  return findings;
};

/** How datagrams will be received. */
export const receiver: Check = async ({ machine, receive }) => {
  const calls = receive === 'dgram' ? 'it was asked for' : loadSystemCalls();
  if (typeof calls !== 'string') return [{ severity: 'ok', text: 'receiving with recvmmsg' }];
  const text = `receiving with node:dgram, which takes less: ${calls}`;
  if (machine.platform !== 'linux' || receive === 'dgram') return [{ severity: 'note', text }];
  return [{ severity: 'warning', text, fix: 'npm install koffi' }];
};

/** No clock that works says less: 2025-01-01. */
const EARLIEST_MS = 1_735_689_600_000;
const TIME_ERROR = 5;
const TIMEX_BYTES = 256;
const SET_CLOCK = 'timedatectl set-ntp true';

/** Whether the clock can be right, and whether something keeps it so. Flow times are judged by it. */
export const clock: Check = async ({ nowMs }) => {
  const time = new Date(nowMs).toISOString();
  if (nowMs < EARLIEST_MS) {
    return [
      { severity: 'error', text: `the clock says ${time}: flow times will not be believed`, fix: SET_CLOCK },
    ];
  }
  const calls = loadSystemCalls();
  const state = typeof calls === 'string' ? -1 : calls.adjtimex(new Uint8Array(TIMEX_BYTES));
  if (state < 0)
    return [
      { severity: 'skipped', text: `the clock says ${time}; whether it is synchronised cannot be told` },
    ];
  if (state !== TIME_ERROR) return [{ severity: 'ok', text: `the clock says ${time} and is synchronised` }];
  const text = `the clock says ${time} and is not synchronised: times and rates of exporters will look wrong`;
  return [{ severity: 'warning', text, fix: SET_CLOCK }];
};

/** Free space below which a file system is nearly and really full. */
export const SPACE = Object.freeze({
  warningBytes: 2 * 1024 ** 3,
  warningShare: 0.1,
  errorBytes: 128 * 1024 ** 2,
  errorShare: 0.01,
});

/** Room in the file systems of files that are written. */
export const space: Check = async ({ directories }) => {
  const findings: Finding[] = [];
  for (const { path, what } of directories) findings.push(await spaceOf(path, what));
  return findings;
};

async function spaceOf(path: string, what: string): Promise<Finding> {
  const directory = resolve(path);
  const name = `${what}: ${escapeHidden(JSON.stringify(directory))}`;
  const quoted = `'${directory.replaceAll("'", `'\\''`)}'`;
  try {
    const there = await nearest(directory);
    if (!(await stat(there)).isDirectory()) {
      return { severity: 'error', text: `${name}: ${there} is not a directory`, fix: 'another directory' };
    }
    await access(there, constants.W_OK | constants.X_OK);
    const room = await statfs(there);
    const { severity, text } = judgeRoom(room);
    const fix = `df -${room.ffree === 0 ? 'i' : 'h'} ${quoted}`;
    return { severity, text: `${name} has ${text}`, ...(severity !== 'ok' && { fix }) };
  } catch (error) {
    const fix = `install -d -o "$(id -un)" ${quoted}`;
    return {
      severity: 'error',
      text: `${name} cannot be written: ${escapeHidden(describeError(error))}`,
      fix,
    };
  }
}

/** What is left in a file system, as statfs says it. File systems without a fixed number of inodes say 0. */
export function judgeRoom({ bavail, bsize, blocks, files, ffree }: StatsFs): Omit<Finding, 'fix'> {
  if (files > 0 && ffree === 0) return { severity: 'error', text: 'no inodes left' };
  const free = bavail * bsize;
  const share = blocks === 0 ? 1 : bavail / blocks;
  const text = `${byteText(free)} (${(share * 100).toFixed(1)} %) free`;
  const { errorBytes, errorShare, warningBytes, warningShare } = SPACE;
  if (free < errorBytes || (free < warningBytes && share < errorShare)) return { severity: 'error', text };
  if (free < warningBytes && share < warningShare) return { severity: 'warning', text };
  return { severity: 'ok', text };
}

/** The directory, or where it will be made. */
async function nearest(directory: string): Promise<string> {
  for (let path = directory; ; path = dirname(path)) {
    try {
      await stat(path);
      return path;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' || path === dirname(path)) throw error;
    }
  }
}
