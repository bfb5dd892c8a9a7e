import { strict as assert } from 'node:assert';
import { RecordOffset } from '../../src/memory/layout.ts';
import { writeRecord } from '../../src/memory/ring.ts';
import type { Bench, Prepared, Size } from '../harness.ts';
import { createMemory, type Datagram, digest, exporterAddress, simulate } from './input.ts';

const DATAGRAM_BYTES = 1384;
const DATAGRAMS = 256;
/** Datagrams that are in the ring at once. */
const BURST = 64;
const ADDRESS = exporterAddress(1);

/** One datagram from the receiver to retirement, without anything in between: claim, write, publish, take, release. */
export const ringBenches: Bench[] = [{ name: 'ring/claim-to-release', unit: 'datagram', prepare }];

function prepare(size: Size): Prepared {
  const memory = createMemory(size);
  const ring = memory.ring(0);
  const datagrams: Datagram[] = [];
  for (const datagram of simulate({ exporters: 4 })) {
    if (datagram.payload.length === DATAGRAM_BYTES) datagrams.push(datagram);
    if (datagrams.length === DATAGRAMS) break;
  }
  const slots = new Uint32Array(DATAGRAMS);

  function run(): number {
    let octets = 0;
    for (let from = 0; from < DATAGRAMS; from += BURST) {
      for (let i = from; i < from + BURST; i++) {
        const slot = ring.claim();
        const { payload, atMs } = datagrams[i];
        writeRecord(memory, slot, payload, ADDRESS, 0, 2055, atMs);
        ring.publish();
      }
      let taken = 0;
      while (ring.available() > 0) {
        const slot = ring.take();
        slots[from + taken++] = slot;
        octets += memory.view.getUint32(slot + RecordOffset.length, true);
      }
      ring.release(taken);
    }
    return octets;
  }

  const content = (i: number): Uint8Array =>
    memory.bytes.slice(slots[i] + RecordOffset.payload, slots[i] + RecordOffset.payload + DATAGRAM_BYTES);

  return {
    unitsPerRun: DATAGRAMS,
    run,
    check() {
      assert.equal(ring.used(), 0);
      datagrams.forEach(({ payload }, i) => {
        assert.ok(payload.every((octet, k) => octet === content(i)[k]));
      });
    },
    hash: () => digest(...datagrams.map((_, i) => content(i))),
  };
}
