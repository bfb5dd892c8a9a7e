/**
 * The examples of the documents do what they say. In each document:
 *
 * - ```console blocks are run in one directory, in order; what each prints must be what stands there;
 * - ```js blocks with a title are modules of a package that depends on millrace, in the same directory; they are run, and a
 *   ```text block titled `<module> prints` is what they print, nothing where there is none;
 * - every `millrace` line in ```sh blocks is a command line whose flags and values are taken.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { parseCommandLine } from '../../src/cli/program.ts';
import { configure } from '../../src/config/configuration.ts';
import { OPTIONS } from '../../src/config/options.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { type Block, blocksOf, PAGES, pageText, root } from './pages.ts';

const HANG_MS = 60_000;

function packageDirectory(): string {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true });
  symlinkSync(root, join(directory, 'node_modules/millrace'));
  writeFileSync(join(directory, 'package.json'), '{"type":"module"}');
  const command = join(directory, 'node_modules/.bin/millrace');
  const main = join(root, 'dist/src/cli/main.js');
  writeFileSync(command, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
  chmodSync(command, 0o755);
  return directory;
}

/** Standard output and standard error of a shell command. */
function shell(command: string, directory: string): Promise<string> {
  const env: NodeJS.ProcessEnv = {
    PATH: [join(directory, 'node_modules/.bin'), dirname(process.execPath), process.env['PATH']].join(':'),
    XDG_STATE_HOME: join(directory, 'state'),
    HOME: directory,
  };
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd: directory, env, timeout: HANG_MS }, (error, stdout, stderr) => {
      resolve(`${stdout}${stderr}${error === null ? '' : error.message}`);
    });
  });
}

/** Commands behind `$ `, each followed by what it prints. */
async function runTranscript(text: string, directory: string): Promise<void> {
  for (const part of text.split(/^\$ /m).slice(1)) {
    const [command] = part.split('\n', 1);
    assert.equal(await shell(command, directory), part.slice(command.length + 1), command);
  }
}

const isRun = ({ language, title }: Block): boolean =>
  language === 'console' || (language === 'js' && title !== '');
const printsOf = (title: string): string => `${title} prints`;

let examples = 0;
for (const page of PAGES) {
  const blocks = blocksOf(page);
  if (!blocks.some(isRun)) continue;
  examples++;
  test(`${page}: what it runs prints what it shows`, async () => {
    const directory = packageDirectory();
    for (const { language, title, text } of blocks.filter(isRun)) {
      if (language === 'console') await runTranscript(text, directory);
      else {
        writeFileSync(join(directory, title), text);
        const shown = blocks.find((block) => block.title === printsOf(title))?.text ?? '';
        assert.equal(await shell(`node ${title}`, directory), shown, title);
      }
    }
    for (const { title } of blocks)
      assert.ok(!title.endsWith(' prints') || blocks.some((block) => printsOf(block.title) === title), title);
  });
}

test('there are documents with examples', () => assert.ok(examples >= 4));

/** The words of a shell line without expansions, up to a comment or another command. */
function words(line: string): string[] {
  const found: string[] = [];
  for (const [word] of line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)) {
    if (/^[#|>&;]/.test(word)) break;
    found.push(word.replaceAll(/['"]/g, ''));
  }
  return found;
}

test('every millrace line of a document is one that is taken', async () => {
  let lines = 0;
  for (const page of PAGES)
    for (const { language, text } of blocksOf(page)) {
      if (language !== 'sh') continue;
      for (const line of text.replaceAll(/\\\n\s*/g, '').split('\n')) {
        const [program, ...argv] = words(line);
        if (program !== 'millrace') continue;
        const invocation = parseCommandLine(argv, '0');
        assert.ok(invocation !== null, `${page}: ${line}`);
        await configure(invocation.command, invocation.flags, {});
        lines++;
      }
    }
  assert.ok(lines > 10, `${lines} lines`);
});

test('the options that migrating.md names for Millrace are there', () => {
  const known = new Set(Object.values(OPTIONS).map(({ flag }) => `--${flag}`)).add('--version');
  const rows = pageText('docs/migrating.md').matchAll(/^\| .* \| (.*) \|$/gm);
  const named = [...rows].flatMap(([, millrace]) => millrace.match(/--[a-z-]+/g) ?? []);
  assert.ok(named.length > 20);
  for (const flag of named) assert.ok(known.has(flag), flag);
});
