/** npm as somebody has it who installs the package: without what a runner of tests puts into the environment. */
import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';

const REGISTRY_TIMEOUT_MS = 90_000;
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED)\b/;

export interface Finished {
  /** null when it was ended from outside. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The environment of a user; folder: where programs are looked for first. */
export function userEnvironment(folder?: string): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of Object.keys(env))
    if (/^(npm_|MILLRACE_|NODE_)|^INIT_CWD$|^STATE_DIRECTORY$/.test(name)) delete env[name];
  if (folder !== undefined) env['PATH'] = `${folder}${delimiter}${env['PATH']}`;
  return env;
}

export function execute(
  program: string,
  args: readonly string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv; timeout?: number },
): Promise<Finished> {
  return new Promise((resolve) => {
    const settings = { env: userEnvironment(), timeout: REGISTRY_TIMEOUT_MS, maxBuffer: 1e8, ...options };
    execFile(program, args, settings, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null;
      resolve({ code, stdout, stderr });
    });
  });
}

/** Installs into the directory, from npm's cache where it has the packages. Returns false, or why there was nothing to be had. */
export async function install(cwd: string, ...what: string[]): Promise<string | false> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--omit=dev', '--fetch-retries=1'];
  const { code, stderr } = await execute('npm', ['install', ...quiet, ...what], { cwd });
  if (code === 0) return false;
  if (code === null) return 'the npm registry took too long';
  if (UNREACHABLE.test(stderr)) return 'the npm registry cannot be reached';
  if (/\bE404\b|\bETARGET\b/.test(stderr)) return `the npm registry has no ${what.join(' ')}`;
  throw new Error(`npm install ${what.join(' ')}: ${stderr}`);
}
