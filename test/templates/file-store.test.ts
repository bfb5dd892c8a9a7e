import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { contentBytes } from '../../src/templates/content-bytes.ts';
import { FileStore, type FileStoreOptions, readStoreFile } from '../../src/templates/file-store.ts';
import { STORE_LIMITS, StoreError } from '../../src/templates/store.ts';
import { StoreContent } from '../../src/templates/store-content.ts';
import { eventually, temporaryDirectory } from '../cli/child.ts';
import { Recorder } from '../conformance/recorder.ts';
import { FileFaults } from '../output/file-faults.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { templateItemOf } from '../support/store-items.ts';

const SCOPE = 'ipfix/192.0.2.1/0/7';
const DAY_MS = 86_400_000;
const directory = temporaryDirectory();
let files = 0;
const newPath = (): string => join(directory, String(++files), 'templates.mrt');
const define = (text: string) => [templateItemOf(SCOPE, 256, text)];
const textOf = (bytes: Uint8Array | undefined): string =>
  Buffer.from(bytes ?? [])
    .toString('latin1')
    .slice(-5);

/** A store whose file system has faults; they begin when `fault` is set. */
async function faulty(path: string, options: FileStoreOptions = {}) {
  const faults = new FileFaults();
  const store = await FileStore.open(path, {
    saveDelayMs: 1,
    retryDelayMs: 1,
    fs: { ...faults.fs, readFile: fs.readFile },
    ...options,
  });
  return { faults, store };
}

async function fatal(opening: Promise<unknown>, ...parts: string[]): Promise<void> {
  await assert.rejects(opening, (error) => {
    assert.ok(error instanceof StoreError && error.fatal);
    assert.ok(!error.message.includes('\n'));
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    return true;
  });
}

test('content, order of changes and idle times survive a restart', async () => {
  const clock = new ManualClock();
  const path = newPath();
  const first = await FileStore.open(path, { clock });
  await first.put(SCOPE, [...define('first'), templateItemOf(SCOPE, 257, 'other', { ageMs: 5_000 })]);
  clock.advance(1_000);
  const { index } = await first.put(SCOPE, [templateItemOf(SCOPE, 256, 'later', { sequence: 2 })]);
  await first.close();
  assert.equal(statSync(path).mode & 0o777, 0o600);
  clock.advance(DAY_MS);
  const second = await FileStore.open(path, { clock });
  const watcher = new Recorder();
  await second.watch(watcher);
  assert.equal(watcher.index, index);
  assert.equal(watcher.resets[0].lost, false);
  const [a, b] = await second.getScope(SCOPE);
  assert.equal(textOf(a.value), 'later');
  assert.equal(a.idleMs, DAY_MS);
  assert.equal(b.idleMs, DAY_MS + 6_000);
  assert.ok((await second.put(SCOPE, [templateItemOf(SCOPE, 300, 'a')])).index > index);
  await second.close();
});

test('announcements are saved when the store is closed', async () => {
  const clock = new ManualClock();
  const path = newPath();
  const first = await FileStore.open(path, { clock });
  await first.put(SCOPE, define('first'));
  clock.advance(DAY_MS);
  await first.touch(SCOPE, ['template/256']);
  await first.close();
  const second = await FileStore.open(path, { clock });
  assert.equal((await second.get(SCOPE, 'template/256'))?.idleMs, 0);
  await second.close();
});

test('nothing gets younger when the wall clock was set back meanwhile', async () => {
  const clock = new ManualClock();
  const path = newPath();
  const first = await FileStore.open(path, { clock });
  await first.put(SCOPE, define('first'));
  clock.advance(5_000);
  await first.close();
  clock.setWall(clock.wallMs() - DAY_MS);
  const second = await FileStore.open(path, { clock });
  assert.equal((await second.get(SCOPE, 'template/256'))?.idleMs, 5_000);
  clock.advance(1_000);
  assert.equal((await second.get(SCOPE, 'template/256'))?.idleMs, 6_000);
  await second.close();
});

test('what nobody announced for too long is gone at the next start', async () => {
  const clock = new ManualClock();
  const path = newPath();
  const first = await FileStore.open(path, { clock });
  await first.put(SCOPE, define('first'));
  await first.close();
  clock.advance(STORE_LIMITS.maxIdleMs + 1);
  const second = await FileStore.open(path, { clock });
  assert.deepEqual(await second.getScope(SCOPE), []);
  await second.close();
});

test('a change reaches the file without a close, and several of them in one write', async () => {
  const path = newPath();
  const { faults, store } = await faulty(path, { saveDelayMs: 50 });
  await Promise.all(
    Array.from({ length: 100 }, (_, i) => store.put(SCOPE, [templateItemOf(SCOPE, 256 + i, 'a')])),
  );
  await eventually('the file is there', () => existsSync(path));
  assert.equal((await (await readStoreFile(path)).getScope(SCOPE)).length, 100);
  const renames = (): number => faults.log.filter(({ operation }) => operation === 'rename').length;
  assert.equal(renames(), 1);
  await store.close();
  assert.equal(renames(), 1, 'nothing was left to write');
});

test('a write is: new file, fsync, rename, fsync of the directory', async () => {
  const path = newPath();
  const { faults, store } = await faulty(path);
  await store.put(SCOPE, define('first'));
  faults.log.length = 0;
  await store.close();
  const steps = faults.log.map(({ operation, path: at }) => `${operation} ${at.replace(directory, '')}`);
  const folder = `/${files}`;
  assert.deepEqual(steps, [
    `unlink ${folder}/templates.mrt.new`,
    `open ${folder}/templates.mrt.new`,
    `writev ${folder}/templates.mrt.new`,
    `sync ${folder}/templates.mrt.new`,
    `close ${folder}/templates.mrt.new`,
    `rename ${folder}/templates.mrt`,
    `open ${folder}`,
    `sync ${folder}`,
    `close ${folder}`,
    `unlink ${folder}/templates.mrt.lock`,
  ]);
  assert.deepEqual(readdirSync(join(directory, String(files))), ['templates.mrt']);
});

for (const operation of ['open', 'writev', 'sync', 'close', 'rename'] as const) {
  test(`a failing ${operation} leaves the file as it was, is told, and is made good`, async () => {
    const path = newPath();
    const { faults, store } = await faulty(path);
    await store.put(SCOPE, define('first'));
    await eventually('the first write', () => existsSync(path));
    const watcher = new Recorder();
    await store.watch(watcher);
    let failures = 0;
    faults.fault = (what, at) =>
      what === operation && /\.mrt(\.new)?$/.test(at) && ++failures ? 'ENOSPC' : null;
    await store.put(SCOPE, [templateItemOf(SCOPE, 256, 'later', { sequence: 2 })]);
    await watcher.untilState('degraded');
    assert.match(watcher.states.at(-1)!.reason, /^cannot write template store .*: no space left on device/);
    assert.equal(textOf((await store.get(SCOPE, 'template/256'))?.value), 'later');
    const onDisk = async () => textOf((await (await readStoreFile(path)).get(SCOPE, 'template/256'))?.value);
    assert.equal(await onDisk(), 'first');
    await eventually('it is tried again', () => failures > 2);
    faults.fault = () => null;
    await watcher.untilState('synced');
    assert.equal(await onDisk(), 'later');
    assert.deepEqual(
      watcher.states.map(({ state }) => state),
      ['syncing', 'synced', 'degraded', 'synced'],
    );
    await store.close();
  });
}

test('a disk that takes only some of the octets at a time', async () => {
  const path = newPath();
  const { faults, store } = await faulty(path);
  faults.takes = () => 7;
  faults.fault = () => null;
  await store.put(SCOPE, define('first'));
  await store.close();
  assert.equal(textOf((await (await readStoreFile(path)).get(SCOPE, 'template/256'))?.value), 'first');
});

test('close says when the last changes could not be written, and gives the file free', async () => {
  const path = newPath();
  const { faults, store } = await faulty(path);
  faults.fault = (operation) => (operation === 'sync' ? 'EIO' : null);
  await store.put(SCOPE, define('first'));
  await assert.rejects(store.close(), /cannot write template store/);
  await assert.rejects(store.close(), StoreError);
  assert.deepEqual(readdirSync(join(directory, String(files))), []);
  await (await FileStore.open(path)).close();
});

for (const [what, damage] of [
  ['an empty file', () => Buffer.alloc(0)],
  ['a file of zeros', (sound: Buffer) => Buffer.alloc(sound.length)],
  ['half a file', (sound: Buffer) => sound.subarray(0, sound.length / 2)],
  ['a flipped bit', (sound: Buffer) => Buffer.from(sound).fill(sound[50] ^ 1, 50, 51)],
  ['something else', () => Buffer.from('{"templates":[]}')],
] as const) {
  test(`${what} is set aside with one line, and the loss is told`, async () => {
    const path = newPath();
    const first = await FileStore.open(path);
    await first.put(SCOPE, define('first'));
    await first.close();
    const damaged = damage(readFileSync(path));
    writeFileSync(path, damaged);
    await assert.rejects(readStoreFile(path), /is damaged/);
    const lines: string[] = [];
    const second = await FileStore.open(path, { notice: (line) => lines.push(line) });
    assert.equal(lines.length, 1);
    assert.match(
      lines[0],
      /^template store \S+ is damaged \([a-z-]+\): it starts empty, the file is now \S+\.damaged$/,
    );
    assert.deepEqual(readFileSync(`${path}.damaged`), damaged);
    const watcher = new Recorder();
    await second.watch(watcher);
    assert.equal(watcher.resets[0].lost, true);
    await second.put(SCOPE, define('again'));
    await second.close();
    const third = await FileStore.open(path, { notice: (line) => lines.push(line) });
    assert.equal(lines.length, 1);
    assert.equal(textOf((await third.get(SCOPE, 'template/256'))?.value), 'again');
    await third.close();
  });
}

test('a file of a later release is left alone', async () => {
  const path = newPath();
  await (await FileStore.open(path)).close();
  const later = Buffer.from(contentBytes(new StoreContent(), 5_000));
  later[4] = 2;
  writeFileSync(path, later);
  await fatal(FileStore.open(path), 'later release', path);
  assert.deepEqual(readFileSync(path), later);
  assert.deepEqual(readdirSync(join(directory, String(files))), ['templates.mrt']);
});

test('places that cannot be used', async () => {
  const path = newPath();
  await (await FileStore.open(path)).close();
  writeFileSync(path, 'a file');
  await fatal(FileStore.open(`${path}/below`), 'already exists', path);
  await fatal(FileStore.open(join(directory, String(files))), 'is a directory');
  await fatal(FileStore.open('/dev/null/millrace/templates.mrt'), 'not a directory');
  const denied = new FileFaults();
  denied.fault = (operation) => (operation === 'open' ? 'EACCES' : null);
  const options = { fs: { ...denied.fs, readFile: fs.readFile } };
  await fatal(FileStore.open(newPath(), options), 'permission denied');
  const unreadable = new FileFaults();
  const readFile = ((at: string, ...rest: never[]) =>
    at.endsWith('.mrt')
      ? Promise.reject(Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open', path: at }))
      : fs.readFile(at, ...rest)) as typeof fs.readFile;
  await fatal(
    FileStore.open(path, { fs: { ...unreadable.fs, readFile } }),
    'cannot read template store',
    'permission denied',
  );
  await (await FileStore.open(path, { notice: () => {} })).close();
});

test('a file is of one store at a time', async () => {
  const path = newPath();
  const first = await FileStore.open(path);
  await fatal(FileStore.open(path), `in use by process ${process.pid}`, path);
  assert.deepEqual(await (await readStoreFileOrEmpty(path)).getScope(SCOPE), []);
  await first.close();
  await (await FileStore.open(path)).close();
});

async function readStoreFileOrEmpty(path: string) {
  await assert.rejects(readStoreFile(path), /no such file/);
  writeFileSync(path, contentBytes(new StoreContent(), 5_000));
  return readStoreFile(path);
}

/** Opens a store in a process of its own, says so, and waits to be ended. */
const HOLDER = `
  import { FileStore } from ${JSON.stringify(new URL('../../src/templates/file-store.js', import.meta.url).href)};
  await FileStore.open(process.argv[1]);
  console.log('open');
  setInterval(() => {}, 1000);
`;

test('the lock of another process holds while it lives, and is taken over when it was killed', async () => {
  const path = newPath();
  const child = spawn(process.execPath, ['--input-type=module', '--eval', HOLDER, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(child.stdout, 'data');
    await fatal(FileStore.open(path), `in use by process ${child.pid}`);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  assert.ok(existsSync(`${path}.lock`));
  // Of many that try at once, one gets it.
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => FileStore.open(path)));
  const opened = tries.filter((one) => one.status === 'fulfilled');
  assert.equal(opened.length, 1);
  await opened[0].value.close();
  assert.deepEqual(readdirSync(join(directory, String(files))), []);
});

test('locks that say nothing, or name a process that is another one now, are stale', async () => {
  for (const lock of [
    '',
    'nonsense',
    `${process.pid} another-boot/17\n`,
    '4194305 \n',
    '99999999999999 x\n',
  ]) {
    const path = newPath();
    await (await FileStore.open(path)).close();
    writeFileSync(`${path}.lock`, lock);
    await (await FileStore.open(path)).close();
  }
  const path = newPath();
  await (await FileStore.open(path)).close();
  // Where the system does not tell when a process began, its number must do.
  writeFileSync(`${path}.lock`, `${process.pid} \n`);
  await fatal(FileStore.open(path), `in use by process ${process.pid}`);
});
