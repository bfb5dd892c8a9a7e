import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Fails with what to do when a program that a test needs is not installed. */
export function requireProgram(name: string): void {
  const found = (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`${name} is not installed: apt-get install ${name}`);
}
