/**
 * Writes records to its standard output through the sink, as a command does, and exits:
 * `stdout-child.js CHUNKS BYTES_PER_CHUNK`, one record per chunk. Its report goes to standard error as JSON.
 */
import { writeSync } from 'node:fs';
import { openSink } from '../../src/output/open-sink.ts';
import { parseOutputUri } from '../../src/output/output-uri.ts';

const [chunks, bytes] = process.argv.slice(2).map(Number);
const spec = parseOutputUri('stdout:', { format: 'ndjson', schema: 'millrace' });
let closedCalls = 0;
const sink = await openSink(spec, { whenFull: 'wait', onClosed: () => closedCalls++ });
for (let i = 0; i < chunks && closedCalls === 0; i++) {
  sink.write(Buffer.alloc(bytes, `${i % 10}`), 1);
  if (!sink.ready) {
    await new Promise<void>((resolve) => {
      sink.onReady = resolve;
    });
  }
}
await sink.close();
writeSync(2, JSON.stringify({ counts: sink.counts, trouble: sink.trouble, closedCalls }));
process.exit(0);
