/** Connections that end or fall silent at every step of the handshake, of subscribing and of the first reading. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { RedisStore, type StoreTimes } from '../../src/fleet/redis-store.ts';
import { StoreError } from '../../src/templates/store.ts';
import { Recorder } from '../conformance/recorder.ts';
import { PATIENT, RedisServer } from '../support/redis-server.ts';
import { type Fate, type Passing, RespProxy } from '../support/resp-proxy.ts';
import { newItem } from '../support/stored-values.ts';
import { until } from '../support/until.ts';

const S = 'ipfix/192.0.2.1/0/7';
const TIMES = { connectMs: 1000, commandMs: 300, retryFirstMs: 5, retryLongestMs: 50, checkMs: 100 };

let server: RedisServer;
let proxy: RespProxy;
let fleets = 0;
before(async () => {
  server = await RedisServer.start({ requirepass: 'secret' }, { password: 'secret' });
  proxy = await RespProxy.start(server.port);
});
after(async () => {
  await proxy.stop();
  await server.stop();
});

type Step = Pick<Passing, 'from' | 'connection' | 'step' | 'name'>;

/** Watches through the proxy until something that was put by another arrives. What passed until then. */
async function watchThrough(fate: (step: Step) => Fate): Promise<Step[]> {
  const fleet = `f${fleets++}`;
  const [, hostPort] = proxy.uri.split('//');
  const make = (place: string, octet: number, times: Partial<StoreTimes>): RedisStore =>
    new RedisStore(`redis://:secret@${place}/1?fleet=${fleet}`, {
      writer: new Uint8Array(8).fill(octet),
      times,
    });
  const writer = make(`127.0.0.1:${server.port}`, 1, PATIENT);
  const store = make(hostPort, 2, TIMES);
  const witness = new Recorder();
  const first = proxy.connections;
  const steps: Step[] = [];
  await writer.put(S, [newItem(S, 'template/256')]);
  proxy.fate = ({ from, connection, step, name }) => {
    const one = { from, connection: connection - first, step, name };
    steps.push(one);
    return fate(one);
  };
  try {
    await store.watch(witness).catch((error: unknown) => {
      assert.ok(error instanceof StoreError && !error.fatal, String(error));
      assert.ok(!/secret|\n/.test(error.message), error.message);
    });
    await until('synced', () => witness.last === 'synced');
    const until_ = steps.length;
    await writer.put(S, [newItem(S, 'template/257')]);
    await until('told', () => witness.scopes.get(S)?.size === 2);
    assert.ok(witness.resets.every(({ lost }) => !lost));
    return steps.slice(0, until_);
  } finally {
    await store.close();
    await writer.close();
    proxy.fate = () => 'pass';
  }
}

const FATES: readonly Fate[] = [
  'cut-before',
  'cut-after',
  { cutAfterBytes: 1 },
  { cutAfterBytes: 7 },
  'hang',
];

test('a connection that fails at any step is made again, and nothing is missed', async () => {
  const steps = (await watchThrough(() => 'pass')).filter(({ connection }) => connection < 2);
  const names = steps.map(({ name }) => name);
  for (const name of ['hello', 'select', 'subscribe', 'eval'])
    assert.ok(names.includes(name), names.join(' '));
  for (const at of steps)
    for (const fate of FATES) {
      let done = false;
      await watchThrough(({ from, connection, step }) => {
        if (done || from !== at.from || connection !== at.connection || step !== at.step) return 'pass';
        done = true;
        return fate;
      });
      assert.ok(done, `${at.from} ${at.connection} ${at.step}`);
    }
});
