import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { contentBytes } from '../../src/templates/content-bytes.ts';
import { FileStore } from '../../src/templates/file-store.ts';
import { temporaryDirectory } from '../cli/child.ts';
import { plantedContent } from '../support/planted.ts';
import { storeConformance } from './store-conformance.ts';

const directory = temporaryDirectory();
let files = 0;
const newPath = (): string => join(directory, `${++files}.mrt`);

storeConformance('file store', () => FileStore.open(newPath(), { saveDelayMs: 1 }), {
  openWith: async (planted) => {
    const path = newPath();
    writeFileSync(path, contentBytes(plantedContent(planted), systemClock.wallMs()));
    return FileStore.open(path, { saveDelayMs: 1 });
  },
});
