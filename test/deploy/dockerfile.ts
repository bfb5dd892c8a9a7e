/** The parts of a Dockerfile and of its .dockerignore that tests look at. */
import { readFileSync } from 'node:fs';
import { fromRoot } from './command-line.ts';

export interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** The stages of deploy/docker/Dockerfile, each with its instructions; continued lines are one. */
export function stagesOf(path: string): Instruction[][] {
  const stages: Instruction[][] = [[]];
  const text = readFileSync(fromRoot(path), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ');
  for (const line of text.split('\n').filter((each) => each.trim() !== '')) {
    const match = /^([A-Z]+)\s+(.*)$/.exec(line);
    if (match === null) throw new Error(`no instruction: ${line}`);
    const [, name, rest] = match;
    if (name === 'FROM') stages.push([]);
    stages[stages.length - 1].push({ name, text: rest.trim() });
  }
  return stages.slice(1);
}

/** What .dockerignore lets in, which begins with a line that keeps everything out. */
export function contextEntries(): string[] {
  const lines = readFileSync(fromRoot('.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  if (lines[0] !== '*' || !lines.slice(1).every((line) => /^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore: a star and then exceptions at the root were expected');
  return lines.slice(1).map((line) => line.slice(1));
}
