import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetReport } from '../../bench/fleet/fleet-report.ts';
import { FleetBench, SIZES } from '../../bench/fleet/measure.ts';
import { replicaMemory } from '../../bench/fleet/replica-memory.ts';
import { RedisServer } from '../support/redis-server.ts';

test('the benches of the fleet measure what they say, and known templates make no entries', async () => {
  const server = await RedisServer.start();
  const bench = new FleetBench(server, SIZES.smoke);
  try {
    const measured = {
      redis: 'redis',
      load: 0,
      operations: await bench.operations(),
      restore: await bench.restore(),
      apply: bench.apply(),
      fanOut: await bench.fanOut(),
      refreshes: await bench.refreshes(),
      memory: await bench.memory(),
      replica: await replicaMemory(2_000),
    };
    for (const { name, calls, medianUs } of measured.operations) assert.ok(calls > 0 && medianUs > 0, name);
    assert.deepEqual(
      measured.refreshes.map(({ commands, entries, published }) => [commands, entries, published]),
      [
        [200, 0, 0],
        [200, 0, 0],
      ],
    );
    assert.ok(measured.memory.contentBytes > 0 && measured.memory.logBytes > 0);
    assert.equal(measured.replica.templates, 10_000);
    assert.ok(measured.replica.bytes > 10_000 * 100);
    const report = fleetReport(measured);
    assert.ok(report.tables.every(({ rows, columns }) => rows.every((row) => row.length === columns.length)));
  } finally {
    await bench.close();
    await server.stop();
  }
});
