import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../src/base/clock.ts';
import { describeError } from '../src/base/errors.ts';
import type { StoreReply, StoreRequest, StoreSetup } from '../src/fleet/messages.ts';
import { openStore } from '../src/fleet/open-store.ts';
import { StoreSession } from '../src/fleet/session.ts';
import { StoreError } from '../src/templates/store.ts';

/** Entry of the template-sync thread: whatever the store does, receiving and decoding go on without it. */
const STATUS_MS = 1_000;

const port = parentPort;
if (port === null) throw new Error('template-sync is the entry of a worker thread');
const setup = workerData as StoreSetup;
const reply = (message: StoreReply): void => port.postMessage(message);
const fail = (error: unknown): void => {
  reply({ type: 'failed', message: describeError(error) });
  port.close();
};

async function run(): Promise<void> {
  const store = await openStore(setup.uri, {
    writer: setup.writer,
    notice: (line) => reply({ type: 'notice', line }),
  });
  let synced: () => void = () => {};
  const session = new StoreSession(
    store,
    (changes) => reply({ type: 'changes', changes }),
    systemClock,
    () => {
      reply({ type: 'status', status: session.status });
      if (session.status.state === 'synced') synced();
    },
    setup.received,
  );
  port!.on('message', (request: StoreRequest) => {
    if (request.type === 'requests') session.receive(request.requests);
    else close(request.deadlineMs).catch(fail);
  });
  const ticker = setInterval(() => reply({ type: 'status', status: session.status }), STATUS_MS);
  const close = async (deadlineMs: number): Promise<void> => {
    await session.flush(deadlineMs);
    clearInterval(ticker);
    reply({ type: 'status', status: session.status });
    await store.close();
    reply({ type: 'closed' });
    port!.close();
  };
  const reached = new Promise<void>((resolve) => {
    synced = resolve;
  });
  try {
    await store.watch(session);
  } catch (error) {
    if (error instanceof StoreError && error.fatal) throw error;
    if (!setup.optional && !(await within(setup.deadlineMs, reached))) {
      clearInterval(ticker);
      await store.close();
      throw new StoreError(`${describeError(error)} (tried for ${setup.deadlineMs / 1000} s)`);
    }
  }
  // Changes are sent once per turn of the event loop: what was read is on its way in front of this.
  setImmediate(() => setImmediate(() => reply({ type: 'ready' })));
}

/** Whether it is done before the time is over. */
function within(timeMs: number, done: Promise<void>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, timeMs, false);
    void done.then(() => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}

run().catch(fail);
