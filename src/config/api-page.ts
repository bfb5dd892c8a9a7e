/** The API page: what index.ts exports, as the compiler declares it, with its docstrings. */
import { readFileSync } from 'node:fs';

const INTRODUCTION = `# API

Generated from the declarations of the package; \`npm run generate:docs\` writes it anew. [library.md](library.md) shows how to
use it. Types that are named here and not listed can be had as members of those that are.
`;

/** docs/api.md, from the declaration files below a directory that has index.d.ts. */
export function apiPage(root: URL): string {
  const read = (path: string): string => readFileSync(new URL(path.replace(/\.ts$/, '.d.ts'), root), 'utf8');
  const sections: string[] = [];
  for (const [, names, path] of read('index.ts').matchAll(
    /^export (?:type )?\{([^}]*)\} from '\.\/(.*)';/gm,
  )) {
    const text = read(path);
    const declarations = namesIn(names).map((name) => declarationOf(name, text));
    sections.push(`## ${path.replace(/\.ts$/, '')}\n\n\`\`\`ts\n${declarations.join('\n\n')}\n\`\`\`\n`);
  }
  return [INTRODUCTION, ...sections].join('\n');
}

function namesIn(list: string): string[] {
  return list.split(',').flatMap((each) => /(\w+)\s*$/.exec(each)?.[1] ?? []);
}

/** The declaration with the docstring in front of it. The compiler begins and ends each in the first column. */
function declarationOf(name: string, text: string): string {
  const lines = text.split('\n');
  const head = new RegExp(`^export (declare )?(abstract )?(class|interface|type|const|function) ${name}\\b`);
  const at = lines.findIndex((line) => head.test(line));
  if (at < 0) throw new Error(`no declaration of ${name}`);
  let first = at;
  if (lines[at - 1]?.endsWith('*/'))
    do first--;
    while (!lines[first].startsWith('/**'));
  let last = at;
  if (!/[;}]$/.test(lines[at]))
    do last++;
    while (!/^\}(.*;)?$/.test(lines[last]));
  return lines
    .slice(first, last + 1)
    .filter((line) => !/^ +(#private;|private )/.test(line))
    .map((line) => line.replace(/^export (declare )?/, ''))
    .join('\n');
}
