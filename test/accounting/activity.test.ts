import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Activity } from '../../src/accounting/activity.ts';
import { MessageHeader } from '../../src/wire/header.ts';

function header(octets: number, exportTimeMs: number): MessageHeader {
  const made = new MessageHeader();
  made.start = 100;
  made.end = 100 + octets;
  made.exportTimeMs = exportTimeMs;
  return made;
}

test('messages, octets and rates between samples', () => {
  const activity = new Activity();
  activity.observe(header(500, 0), 0);
  activity.observe(header(300, 0), 0);
  activity.records += 40;
  activity.sample(4);
  assert.deepEqual({ ...activity.rates }, { messages: 0.5, octets: 200, records: 10 });
  activity.observe(header(100, 0), 0);
  activity.sample(5);
  assert.deepEqual({ ...activity.rates }, { messages: 0.2, octets: 20, records: 0 });
  assert.deepEqual([activity.messages, activity.octets, activity.records], [3, 900, 40]);
});

test('clock skew begins with the first message and follows slowly', () => {
  const activity = new Activity();
  assert.ok(Number.isNaN(activity.clockSkewMs));
  activity.observe(header(1, 10_000), 12_000);
  assert.equal(activity.clockSkewMs, -2_000);
  activity.observe(header(1, 10_000), 10_000);
  assert.equal(activity.clockSkewMs, -1_875);
  for (let i = 0; i < 500; i++) activity.observe(header(1, 10_000), 7_000);
  assert.ok(Math.abs(activity.clockSkewMs - 3_000) < 1);
});
