/** Writes what docs/ has of the tables of the program. Run with npm run generate:docs. */
import { writeFileSync } from 'node:fs';
import { clickhouseTable, recordSchema, recordsPage } from '../schema/reference.ts';
import { fileSchema, optionsPage } from './reference.ts';

const PAGES: Readonly<Record<string, string>> = {
  'options.md': optionsPage(),
  'millrace.schema.json': `${JSON.stringify(fileSchema(), null, 2)}\n`,
  'records.md': recordsPage(),
  'record.schema.json': `${JSON.stringify(recordSchema(), null, 2)}\n`,
  'record.clickhouse.sql': clickhouseTable(),
};

for (const [name, text] of Object.entries(PAGES))
  writeFileSync(new URL(`../../../docs/${name}`, import.meta.url), text);
