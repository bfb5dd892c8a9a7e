/** The tests of the decoder once more, with plans compiled before their first record. */
import { JIT_VARIABLE } from './support/decoder.ts';

process.env[JIT_VARIABLE] = 'eager';
await import('./decoder.test.ts');
await import('./limits.test.ts');
await import('./decoder.fuzz.test.ts');
await import('./decoder-batch.test.ts');
