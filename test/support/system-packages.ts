import { execFileSync } from 'node:child_process';

/** Fails with what to do when a program that a test needs is not installed. */
export function requireProgram(name: string): void {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
  } catch {
    throw new Error(`${name} is not installed: apt-get install ${name}`);
  }
}
