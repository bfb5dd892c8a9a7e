/** Writes what docs/ has of the option table. Run with npm run generate:docs. */
import { writeFileSync } from 'node:fs';
import { fileSchema, optionsPage } from './reference.ts';

const docs = (name: string): URL => new URL(`../../../docs/${name}`, import.meta.url);
writeFileSync(docs('options.md'), optionsPage());
writeFileSync(docs('millrace.schema.json'), `${JSON.stringify(fileSchema(), null, 2)}\n`);
