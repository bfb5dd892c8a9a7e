import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { openSink } from '../../src/output/open-sink.ts';
import { type OutputSpec, parseOutputUri } from '../../src/output/output-uri.ts';
import { record, temporaryDirectory } from './sink-fixture.ts';

const spec = (uri: string): OutputSpec => parseOutputUri(uri, { format: 'ndjson', schema: 'millrace' });

test('every kind of output, opened, with the clocks of the system', async (t) => {
  const path = join(temporaryDirectory(t), 'flows.ndjson');
  const stream = new PassThrough();
  const sinks = await Promise.all(
    ['stdout:', `file:${path}?rotate=1h`, 'null:'].map((uri) =>
      openSink(spec(uri), { whenFull: 'drop', stdout: stream }),
    ),
  );
  for (const sink of sinks) {
    assert.equal(sink.ready, true);
    sink.write(record(0), 1);
    await sink.close();
    assert.deepEqual(sink.counts, {
      written: 1,
      droppedQueueFull: 0,
      droppedFailed: 0,
      queued: 0,
      bytesWritten: 8,
    });
    assert.equal(sink.trouble, null);
  }
  assert.deepEqual(
    sinks.map((sink) => sink.name),
    ['stdout:', `file:${path}?rotate=1h`, 'null:'],
  );
  assert.equal(await text(stream.end()), 'rec 000\n');
  assert.equal(readFileSync(path, 'utf8'), 'rec 000\n');
});

test('what cannot be opened rejects', async (t) => {
  const directory = temporaryDirectory(t);
  const file = await openSink(spec(`file:${directory}/taken`), { whenFull: 'drop' });
  file.write(record(0), 1);
  await file.close();
  await assert.rejects(openSink(spec(`file:${directory}/taken/flows`), { whenFull: 'drop' }), {
    code: 'OUTPUT_FAILED',
  });
});
