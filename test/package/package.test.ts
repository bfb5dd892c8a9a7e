/** The package as a user gets it: packed, installed into an empty directory, run by every Node.js that it is for. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { versionText } from '../../src/cli/version.ts';
import { countLines, eventually, temporaryDirectory } from '../cli/child.ts';
import { concat, ipfix, set, template, u8, u32 } from '../support/bytes.ts';
import { execute, install, userEnvironment } from './npm.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const directory = temporaryDirectory();
const at = (...parts: string[]): string => join(directory, ...parts);
const { main, types, bin, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

// Without scripts: prepack would build anew, under the feet of the tests that run beside this one.
const packed = await execute('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', directory], {
  cwd: root,
});
assert.equal(packed.code, 0, packed.stderr);
const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
const paths = new Set(files.map(({ path }) => path));

mkdirSync(at('user'));
writeFileSync(at('user/package.json'), '{"name":"user","private":true,"type":"module"}');
const [notInstalled, ...runtimes] = await Promise.all([
  install(at('user'), at(filename)),
  ...[20, 22, 24].map(runtime),
]);

interface Runtime {
  readonly major: number;
  readonly folder: string;
  readonly skip: string | false;
}

/** The directory of a Node.js of this major version, or why there is none. */
async function runtime(major: number): Promise<Runtime> {
  if (process.versions.node.startsWith(`${major}.`))
    return { major, folder: dirname(process.execPath), skip: false };
  // The package `node` has an install script that fetches one of these.
  const name = `node-${process.platform}-${process.arch}`;
  const home = at(`node-${major}`);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), '{"private":true}');
  const skip = await install(home, '--ignore-scripts', `${name}@${major}`);
  return { major, folder: join(home, 'node_modules', name, 'bin'), skip };
}

test('it has what runs and what is read, and nothing of the development', () => {
  const belongs = [
    /^dist\/(src|workers)\/.*\.(js|d\.ts|lua)$/,
    /^dist\/src\/cli\/commit\.txt$/,
    /^dist\/test\/conformance\/(store-conformance|recorder)\.(js|d\.ts)$/,
    /^src\/ops\/page\//,
    /^(docs|deploy)\//,
    /^(README\.md|CHANGELOG\.md|LICENSE|package\.json)$/,
  ];
  for (const path of paths) {
    assert.ok(
      belongs.some((pattern) => pattern.test(path)),
      path,
    );
    assert.doesNotMatch(path, /^dist\/src\/((config|elements)\/generate|cli\/record-commit)\.|\.test\./);
  }
});

test('everything that package.json and the program name is in it', () => {
  const entries = Object.values(exports as Record<string, Record<string, string>>).flatMap(Object.values);
  for (const path of [main, types, bin.millrace, ...entries])
    assert.ok(paths.has(path.replace(/^\.\//, '')), path);
  const built = (folder: string): string[] =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`);
  const scripts = built('src/fleet/scripts').map((path) => `dist/${path}`);
  const threads = built('workers').map((path) => `dist/${path.replace(/\.ts$/, '.js')}`);
  assert.ok(scripts.length > 5 && threads.length > 2);
  for (const path of [...scripts, ...threads]) assert.ok(paths.has(path), path);
});

test('no package comes along that only the development needs', { skip: notInstalled }, () => {
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  const there = readdirSync(at('user/node_modules'));
  for (const name of Object.keys(devDependencies)) assert.ok(!there.includes(name), name);
});

/** A program of a user. The last line shows that the types say something. */
const CONSUMER = `import { readFileSync } from 'node:fs';
import { type DecodeResult, Decoder } from 'millrace';

const decoder = new Decoder({ pending: false });
const result: DecodeResult = decoder.decode(readFileSync('datagram'), { address: '192.0.2.1', port: 2055 });
for (const { templateId, fields } of result.records) {
  console.log(templateId, fields.sourceIPv4Address, fields.octetDeltaCount);
}
console.log(result.templates.length, result.missing, result.faults);
// @ts-expect-error
export const wrong = () => decoder.decode(new Uint8Array(), { address: '192.0.2.1', port: '2055' });
`;
const PRINTS = '256 10.0.0.1 1500\n1 [] []\n';
const datagram = ipfix(
  {},
  set(2, template(256, [8, 4], [1, 4])),
  set(256, concat(u8(10, 0, 0, 1), u32(1500))),
);

test('its types fit a program in TypeScript', { skip: notInstalled }, async () => {
  writeFileSync(at('user/datagram'), datagram);
  writeFileSync(at('user/consumer.ts'), CONSUMER);
  const compiler = join(root, 'node_modules/@typescript/native/bin/tsc');
  // The last one is what runs below.
  for (const [module, moduleResolution] of [
    ['preserve', 'bundler'],
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
  ]) {
    const compilerOptions = {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{ skipLibCheck: false, noEmitOnError: true, module, moduleResolution },
      ...{ target: 'es2022', lib: ['es2023'] },
      ...{ types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
    };
    writeFileSync(at('user/tsconfig.json'), JSON.stringify({ compilerOptions, files: ['consumer.ts'] }));
    const { code, stdout, stderr } = await execute(process.execPath, [compiler, '-p', '.'], {
      cwd: at('user'),
    });
    assert.equal(code, 0, module + stdout + stderr);
  }
});

async function decodeGenerated(millrace: (...args: string[]) => ReturnType<typeof execute>): Promise<void> {
  const made = await millrace('generate', '--output', 'small.dgrams', '--count', '50', '--version', '10');
  assert.equal(made.code, 0, made.stderr);
  const decoded = await millrace('decode', 'small.dgrams', '--format', 'ndjson');
  assert.equal(decoded.code, 0, decoded.stderr);
  const flows = Number(/\((\d+) flows/.exec(made.stderr)?.[1]);
  assert.ok(flows > 50);
  assert.equal(countLines(decoded.stdout), flows);
}

/** Real datagrams through real threads; whatever receives them on this system. */
async function collectGenerated(
  program: string,
  env: NodeJS.ProcessEnv,
  millrace: (...args: string[]) => ReturnType<typeof execute>,
): Promise<void> {
  const anyPort = ['--listen', 'netflow://127.0.0.1:0', '--http', '127.0.0.1:0'];
  const args = ['collect', ...anyPort, '--templates', 'memory:', '--output', 'stdout:'];
  const collector = spawn(program, args, { cwd: at('user'), env });
  after(() => collector.kill('SIGKILL'));
  const closed = once(collector, 'close');
  let stdout = '';
  let stderr = '';
  collector.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  collector.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const found = (pattern: RegExp): string => pattern.exec(stderr)?.[1] ?? '';
  const port = (): string => found(/netflow:\/\/127\.0\.0\.1:(\d+)/);
  const url = (): string => found(/(http:\/\/127\.0\.0\.1:\d+)/);
  await eventually('it listens', () => {
    assert.equal(collector.exitCode, null, stderr);
    return port() !== '' && url() !== '';
  });
  // The files of the page are in the package, too.
  for (const path of ['/', '/health', '/metrics'])
    assert.equal((await fetch(url() + path)).status, 200, path);
  const sent = await millrace('generate', '--to', `127.0.0.1:${port()}`, '--count', '50', '--rate', '500');
  const flows = Number(/\((\d+) flows/.exec(sent.stderr)?.[1]);
  assert.ok(flows > 50);
  await eventually(`${flows} flows`, () => countLines(stdout) === flows);
  collector.kill('SIGTERM');
  assert.equal((await closed)[0], 0, stderr);
}

for (const { major, folder, skip } of runtimes) {
  test(`Node.js ${major}: the command and the library work`, { skip: notInstalled || skip }, async () => {
    const program = at('user/node_modules/.bin/millrace');
    const env = { ...userEnvironment(folder), XDG_STATE_HOME: at('state') };
    const options = { cwd: at('user'), env };
    const node = (...args: string[]) => execute(join(folder, 'node'), args, options);
    const millrace = (...args: string[]) => execute(program, args, options);

    assert.match((await node('--version')).stdout, new RegExp(`^v${major}\\.`));
    assert.deepEqual(await millrace('--version'), {
      code: 0,
      stdout: `millrace ${versionText()}\n`,
      stderr: '',
    });
    await decodeGenerated(millrace);
    await collectGenerated(program, env, millrace);
    assert.deepEqual(await node('consumer.js'), { code: 0, stdout: PRINTS, stderr: '' });
    const required = "console.log(typeof require('millrace').Decoder)";
    assert.deepEqual(await node('-e', required), { code: 0, stdout: 'function\n', stderr: '' });
    const suite = "import('millrace/conformance').then((m) => console.log(typeof m.storeConformance))";
    assert.equal((await node('-e', suite)).stdout, 'function\n');
  });
}
