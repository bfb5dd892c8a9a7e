import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Count, Ledger } from '../../src/accounting/ledger.ts';
import {
  type CountedDatagram,
  SEQUENCE_LIMITS,
  type SequenceTotals,
  SequenceTracker,
} from '../../src/accounting/sequence.ts';
import fc from '../support/fast-check.ts';

const T = 1_700_000_000_000;
const { windowDatagrams, slackMs, maxJump } = SEQUENCE_LIMITS;

/** sequence: modulo 2^32. */
function counted(
  sequence: number,
  units: number,
  sysUptimeMs: number,
  exportTimeMs: number,
): CountedDatagram {
  return { sequence: sequence >>> 0, units, sysUptimeMs, exportTimeMs };
}

/** One tracker with a ledger; time goes on by itself unless a test says otherwise. */
class Stream {
  readonly ledger = new Ledger();
  readonly tracker: SequenceTracker;
  readonly unit: 'datagrams' | 'records';

  constructor(unit: 'datagrams' | 'records') {
    this.unit = unit;
    this.tracker = new SequenceTracker(unit);
  }

  /** v9 and v5: sysUptime and export time go together. */
  up(sequence: number, units: number, uptimeMs: number, exportMs = T + uptimeMs): this {
    this.tracker.observe(counted(sequence, units, uptimeMs, exportMs), this.ledger);
    return this;
  }

  /** IPFIX: seconds after T. */
  ipfix(sequence: number, units: number, seconds = 0): this {
    this.tracker.observe(counted(sequence, units, -1, T + seconds * 1000), this.ledger);
    return this;
  }

  /** What is stated must be so, everything else 0 (received is compared only when stated). */
  has(expected: Partial<SequenceTotals>): void {
    const { totals } = this.tracker;
    const zero = { lost: 0, reordered: 0, duplicates: 0, duplicateUnits: 0, restarts: 0, unsure: 0 };
    assert.deepEqual(totals, { received: totals.received, ...zero, ...expected });
    const mine = this.unit === 'datagrams' ? 'sequence_lost_datagrams' : 'sequence_lost_records';
    const other = this.unit === 'datagrams' ? 'sequence_lost_records' : 'sequence_lost_datagrams';
    assert.equal(this.ledger.get(Count[mine]), totals.lost);
    assert.equal(this.ledger.get(Count[other]), 0);
    assert.equal(this.ledger.get(Count.sequence_reordered), totals.reordered);
    assert.equal(this.ledger.get(Count.sequence_duplicates), totals.duplicates);
    assert.equal(this.ledger.get(Count.sequence_restarts), totals.restarts);
    assert.equal(this.ledger.get(Count.sequence_unsure), totals.unsure);
  }
}

describe('sequence accounting: loss', () => {
  it('v9 counts datagrams', () => {
    new Stream('datagrams').up(7, 1, 0).up(8, 1, 10).up(11, 1, 20).has({ received: 3, lost: 2 });
  });

  it('v5 and IPFIX count records', () => {
    new Stream('records').up(100, 30, 0).up(130, 30, 10).up(190, 5, 20).has({ received: 65, lost: 30 });
    new Stream('records')
      .ipfix(0, 12)
      .ipfix(12, 0)
      .ipfix(12, 3, 1)
      .ipfix(20, 1, 1)
      .has({ received: 16, lost: 5 });
  });

  it('counts on past 2^32', () => {
    new Stream('datagrams').up(0xffffffff, 1, 0).up(0, 1, 1).up(2, 1, 2).has({ lost: 1 });
    new Stream('records').ipfix(0xfffffff0, 20).ipfix(4, 6).ipfix(20, 1).has({ lost: 10 });
  });

  it('adds to what others lost in the same ledger, and takes back only its own', () => {
    const ledger = new Ledger();
    ledger.add(Count.sequence_lost_records, 7);
    const tracker = new SequenceTracker('records');
    tracker.observe(counted(0, 10, -1, T), ledger);
    tracker.observe(counted(20, 10, -1, T), ledger);
    tracker.observe(counted(10, 10, -1, T), ledger);
    tracker.observe(counted(10, 10, -1, T), ledger);
    assert.equal(ledger.get(Count.sequence_lost_records), 7);
    assert.equal(tracker.totals.lost, 0);
  });

  it('a jump of the limit is a loss, a longer one a restart', () => {
    new Stream('records')
      .ipfix(0, 10)
      .ipfix(10 + maxJump, 1)
      .has({ lost: maxJump });
    new Stream('records')
      .ipfix(0, 10)
      .ipfix(11 + maxJump, 1)
      .ipfix(12 + maxJump, 1)
      .has({ restarts: 1 });
    new Stream('records')
      .ipfix(0, 10)
      .ipfix(2 ** 31, 1)
      .has({ restarts: 1 });
  });
});

describe('sequence accounting: late and doubled datagrams', () => {
  it('a late one repairs its part of the hole', () => {
    const stream = new Stream('records').ipfix(0, 10).ipfix(40, 10);
    stream.has({ lost: 30 });
    stream.ipfix(20, 10).has({ lost: 20, reordered: 1 });
    stream.ipfix(30, 10).has({ lost: 10, reordered: 2 });
    stream.ipfix(10, 10).has({ lost: 0, reordered: 3 });
    stream.ipfix(50, 10).has({ lost: 0, reordered: 3 });
  });

  it('a hole is remembered for 64 datagrams', () => {
    for (const [after, lost] of [
      [windowDatagrams, 0],
      [windowDatagrams + 1, 1],
    ]) {
      const stream = new Stream('datagrams').up(0, 1, 0);
      for (let i = 0; i < after; i++) stream.up(2 + i, 1, 2 + i);
      stream.up(1, 1, 1).has({ lost, reordered: 1 });
    }
  });

  it('a datagram that was seen among the last 64 is a duplicate', () => {
    const stream = new Stream('datagrams');
    for (let i = 0; i < windowDatagrams; i++) stream.up(i, 1, i);
    stream.up(0, 1, 0).has({ duplicates: 1, duplicateUnits: 1 });
    stream.up(windowDatagrams, 1, windowDatagrams);
    // Now the first one is forgotten: it is late, and nothing is known about its place.
    stream.up(0, 1, 0).has({ duplicates: 1, duplicateUnits: 1, reordered: 1 });
  });

  it('the newest datagram twice is a duplicate, and so is a late one twice', () => {
    new Stream('records').up(0, 30, 5).up(0, 30, 5).has({ received: 60, duplicates: 1, duplicateUnits: 30 });
    new Stream('records')
      .up(0, 10, 1)
      .up(20, 10, 3)
      .up(10, 10, 2)
      .up(10, 10, 2)
      .has({ received: 40, reordered: 1, duplicates: 1, duplicateUnits: 10 });
  });

  it('datagrams without units are neither lost nor duplicates', () => {
    const stream = new Stream('records').ipfix(5, 0).ipfix(5, 0).ipfix(5, 10).ipfix(15, 0);
    stream.has({ received: 10 });
    stream.ipfix(5, 0).has({ reordered: 1 });
    stream.ipfix(15, 10).has({ reordered: 1 });
  });

  it('one that came before the first is late', () => {
    new Stream('datagrams').up(100, 1, 50).up(99, 1, 49).up(101, 1, 51).has({ reordered: 1 });
    new Stream('records').ipfix(100, 10).ipfix(90, 10).ipfix(110, 10).has({ reordered: 1 });
  });

  it('one that is far too late changes nothing', () => {
    new Stream('datagrams').up(5000, 1, 9000).up(100, 1, 8000).up(5001, 1, 9001).has({ reordered: 1 });
    new Stream('records').ipfix(90_000, 1, 20).ipfix(5, 1, 15).ipfix(90_001, 1, 20).has({ reordered: 1 });
  });

  it('a number farther back than the longest jump is never late', () => {
    new Stream('records')
      .ipfix(2e7, 1, 0)
      .ipfix(2e7 + 1 - maxJump, 1, 0)
      .has({ reordered: 1 });
    new Stream('records')
      .ipfix(2e7, 1, 0)
      .ipfix(2e7 - maxJump, 1, 0)
      .has({ restarts: 1 });
  });
});

describe('sequence accounting: restarts', () => {
  it('sysUptime that fell back by more than the slack', () => {
    new Stream('datagrams')
      .up(50, 1, 100_000)
      .up(51, 1, 100_000 - slackMs - 1)
      .has({ restarts: 1 });
    new Stream('datagrams')
      .up(50, 1, 100_000)
      .up(51, 1, 100_000 - slackMs)
      .has({});
    new Stream('datagrams')
      .up(90_000, 1, 3_000_000_000)
      .up(0, 1, 5000, T + 3_000_020_000)
      .up(1, 1, 5001)
      .has({ restarts: 1 });
  });

  it('sysUptime passes 2^32 ms', () => {
    new Stream('datagrams')
      .up(5, 1, 2 ** 32 - 500, T)
      .up(6, 1, 300, T + 800)
      .up(7, 1, 900, T + 1400)
      .has({});
    // Half an hour between two datagrams; the export time agrees.
    new Stream('datagrams')
      .up(5, 1, 2 ** 32 - 500_000, T)
      .up(6, 1, 1_300_000, T + 1_800_000)
      .has({});
    new Stream('datagrams')
      .up(5, 1, 2 ** 32 - 500_000, T)
      .up(6, 1, 1_300_000, T + 1_860_000)
      .has({ restarts: 1 });
    // A late one from before.
    new Stream('datagrams')
      .up(5, 1, 2 ** 32 - 9, T)
      .up(7, 1, 3, T)
      .up(6, 1, 2 ** 32 - 4, T)
      .has({ reordered: 1 });
    // A few ms on, whatever the clock of the exporter did meanwhile.
    new Stream('datagrams')
      .up(5, 1, 2 ** 32 - 500, T)
      .up(6, 1, 300, T + 60_000)
      .has({});
  });

  it('an IPFIX sequence that fell back, with a later export time', () => {
    const stream = new Stream('records').ipfix(1_000_000, 20, 0).ipfix(1_000_020, 20, 1);
    stream.ipfix(0, 20, 30).has({ restarts: 1 });
    stream.ipfix(20, 20, 30).ipfix(50, 20, 31).has({ restarts: 1, lost: 10 });
  });

  it('also to a number within the window', () => {
    const stream = new Stream('records');
    for (let i = 0; i < 5; i++) stream.ipfix(i * 10, 10, i);
    stream.ipfix(0, 10, 9).has({ restarts: 1 });
    stream.ipfix(10, 10, 10).has({ restarts: 1 });
  });

  it('with the clock in the past', () => {
    const stream = new Stream('records').ipfix(1_000_000, 20, 0);
    stream.ipfix(0, 20, -slackMs / 1000).has({ reordered: 1 });
    stream.ipfix(0, 20, -slackMs / 1000 - 1).has({ reordered: 1, restarts: 1 });
    stream.ipfix(20, 20, -slackMs / 1000 - 1).has({ reordered: 1, restarts: 1 });
  });

  it('sysUptime stands still: only what is beyond the window began anew', () => {
    new Stream('datagrams')
      .up(1000, 1, 77)
      .up(1000 - windowDatagrams + 1, 1, 77)
      .has({ reordered: 1 });
    new Stream('datagrams')
      .up(1000, 1, 77)
      .up(1000 - windowDatagrams, 1, 77)
      .has({ restarts: 1 });
    // The window reaches as far as the last 64 datagrams do, if they are larger.
    const large = new Stream('records');
    for (let i = 0; i < 100; i++) large.up(i * 30, 30, 77);
    large.up(36 * 30 + 5, 1, 77).has({ reordered: 1 });
    large.up(36 * 30 - 5, 1, 77).has({ reordered: 1, restarts: 1 });
  });

  it('is never a loss, and what was lost before stays lost', () => {
    const stream = new Stream('datagrams').up(500, 1, 900_000).up(510, 1, 900_001);
    stream.up(3, 1, 10).up(4, 1, 11).has({ lost: 9, restarts: 1 });
    // A number of the old count that fell into its hole is not repaired.
    stream.up(2, 1, 9).has({ lost: 9, restarts: 1, reordered: 1 });
    new Stream('records')
      .ipfix(0, 10)
      .ipfix(40, 10)
      .ipfix(35, 10, 5)
      .ipfix(20, 10, 0)
      .ipfix(45, 10, 5)
      .has({ lost: 30, restarts: 1, reordered: 1 });
  });

  it('a stray with a foreign number does not make the next one a loss', () => {
    new Stream('records')
      .ipfix(5000, 10, 0)
      .ipfix(0, 10, 1)
      .ipfix(5010, 10, 1)
      .ipfix(5020, 10, 1)
      .has({ restarts: 1 });
    new Stream('records')
      .ipfix(5000, 10, 0)
      .ipfix(1e9, 10, 0)
      .ipfix(5015, 10, 0)
      .has({ restarts: 1, lost: 5 });
    new Stream('records')
      .ipfix(5000, 10, 0)
      .ipfix(5010, -1, 0)
      .ipfix(0, 10, 1)
      .ipfix(5035, 10, 1)
      .has({ restarts: 1, unsure: 1 });
  });
});

describe('sequence accounting: unsure', () => {
  it('a size that is unknown is never a loss', () => {
    const stream = new Stream('records').ipfix(0, 10).ipfix(10, -1);
    stream.has({ received: 10, unsure: 1 });
    stream.ipfix(35, 10).has({ received: 20, unsure: 1 });
    stream.ipfix(45, 10).ipfix(60, 10).has({ received: 40, lost: 5, unsure: 1 });
  });

  it('what was lost in front of it is lost', () => {
    new Stream('records').ipfix(0, 10).ipfix(30, -1).ipfix(99, 1).has({ lost: 20, unsure: 1 });
  });

  it('each one counts once, the first datagram too', () => {
    new Stream('records')
      .ipfix(0, -1)
      .ipfix(10, -1)
      .ipfix(50, -1)
      .ipfix(70, 5)
      .ipfix(75, 5)
      .has({ unsure: 3 });
  });

  it('a duplicate of one is a duplicate', () => {
    new Stream('records').ipfix(0, -1).ipfix(0, -1).ipfix(10, 5).has({ unsure: 1, duplicates: 1 });
  });

  it('late ones may lie between it and the next', () => {
    new Stream('records')
      .ipfix(0, -1)
      .ipfix(20, 10)
      .ipfix(10, 10)
      .ipfix(30, 10)
      .has({ unsure: 1, reordered: 1 });
  });

  it('the template that was missing comes late', () => {
    new Stream('records')
      .ipfix(0, 10)
      .ipfix(10, -1)
      .ipfix(10, 0)
      .ipfix(20, 10)
      .has({ unsure: 1, reordered: 1 });
  });

  it('a late one of unknown size ends the loss of the rest of its hole', () => {
    const stream = new Stream('records').ipfix(0, 10).ipfix(40, 10).ipfix(20, -1);
    stream.has({ lost: 10, reordered: 1, unsure: 1 });
    stream.ipfix(50, 10).has({ lost: 10, reordered: 1, unsure: 1 });
  });

  it('an exporter that counts other units is unsure, not lossy and not restarting', () => {
    const stream = new Stream('records');
    for (let i = 0; i < 10; i++) stream.ipfix(100 + i, 20, i);
    stream.has({ unsure: 5 });
    const still = new Stream('records');
    for (let i = 0; i < 4; i++) still.ipfix(0, 20, i);
    assert.equal(still.tracker.totals.lost, 0);
    assert.equal(still.tracker.totals.restarts, 0);
  });
});

/** A datagram of the simulated exporter, and what happens to it on its way. */
interface Sent {
  units: number;
  gapMs: number;
  fate: 'arrives' | 'lost' | 'doubled';
  late: number;
  doubleLate: number;
  unknown: boolean;
}

const way = fc.record({
  units: fc.nat(40),
  gapMs: fc.nat(20),
  fate: fc.constantFrom(
    'arrives' as const,
    'arrives' as const,
    'arrives' as const,
    'lost' as const,
    'doubled' as const,
  ),
  late: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
  doubleLate: fc.nat(30),
  unknown: fc.boolean(),
});

/** Numbers, times and arrival order of what was sent; the first one is neither lost nor late. */
function schedule(sent: Sent[], unit: 'datagrams' | 'records', firstNumber: number) {
  let at = 0;
  let ms = 0;
  const all = sent.map((one, i) => {
    const datagram = {
      start: at,
      units: unit === 'datagrams' ? 1 : one.units,
      ms,
      key: i + (i === 0 ? 0 : one.late),
      one,
    };
    at += datagram.units;
    ms += one.gapMs;
    return datagram;
  });
  const arrivals = all.flatMap((datagram, i) => {
    if (datagram.one.fate === 'lost' && i > 0) return [];
    const second = { ...datagram, key: datagram.key + datagram.one.doubleLate };
    return datagram.one.fate === 'doubled' && datagram.units > 0 ? [datagram, second] : [datagram];
  });
  // Stable: what left first comes first.
  arrivals.sort((a, b) => a.key - b.key);
  return { arrivals, number: (start: number) => (firstNumber + start) >>> 0 };
}

describe('sequence accounting: any schedule without a restart', () => {
  const start = fc.constantFrom(0, 1, 0xffffff00, 2 ** 31 - 50, 123_456);

  for (const unit of ['datagrams', 'records'] as const) {
    for (const clock of ['uptime', 'export'] as const) {
      it(`received + lost - doubled is what was sent (${unit}, ${clock} time)`, () => {
        fc.assert(
          fc.property(
            fc.array(way, { minLength: 1, maxLength: 200 }),
            start,
            start,
            (sent, first, uptime) => {
              const { arrivals, number } = schedule(sent, unit, first);
              const ledger = new Ledger();
              const tracker = new SequenceTracker(unit);
              const { totals } = tracker;
              const seen = new Set<number>();
              let end = 0;
              let doubled = 0;
              for (const { start: from, units, ms } of arrivals) {
                const exportMs = T + (clock === 'uptime' ? ms : Math.floor(ms / 1000) * 1000);
                const uptimeMs = clock === 'uptime' ? (uptime + ms) % 2 ** 32 : -1;
                tracker.observe(counted(number(from), units, uptimeMs, exportMs), ledger);
                end = Math.max(end, from + units);
                if (units > 0 && seen.has(from)) doubled++;
                if (units > 0) seen.add(from);
                assert.equal(totals.received + totals.lost - totals.duplicateUnits, end);
                assert.ok(totals.lost >= 0);
              }
              assert.equal(totals.duplicates, doubled);
              assert.equal(totals.restarts, 0);
              assert.equal(totals.unsure, 0);
              const lost = unit === 'datagrams' ? 'sequence_lost_datagrams' : 'sequence_lost_records';
              assert.equal(ledger.get(Count[lost]), totals.lost);
            },
          ),
          { numRuns: 300 },
        );
      });
    }
  }

  it('sizes that are unknown never make a loss that was none', () => {
    fc.assert(
      fc.property(fc.array(way, { minLength: 1, maxLength: 200 }), start, (sent, first) => {
        const some = sent.map((one) => ({ ...one, units: one.unknown ? one.units + 1 : one.units }));
        const { arrivals, number } = schedule(some, 'records', first);
        const ledger = new Ledger();
        const tracker = new SequenceTracker('records');
        for (const { start: from, units, ms, one } of arrivals) {
          tracker.observe(counted(number(from), one.unknown ? -1 : units, 5_000 + ms, T + ms), ledger);
        }
        let missing = 0;
        for (const [i, one] of some.entries()) if (one.fate === 'lost' && i > 0) missing += one.units;
        assert.ok(tracker.totals.lost >= 0);
        assert.ok(tracker.totals.lost <= missing, `${tracker.totals.lost} of ${missing}`);
        assert.equal(tracker.totals.restarts, 0);
      }),
      { numRuns: 500 },
    );
  });

  it('any numbers at all: never throws, never a negative loss, the ledger agrees', () => {
    const number = fc.oneof(fc.nat(200), fc.integer({ min: 0, max: 0xffffffff }));
    const datagram = fc.tuple(
      number,
      fc.integer({ min: -1, max: 60 }),
      fc.oneof(fc.constant(-1), number),
      number,
    );
    fc.assert(
      fc.property(fc.array(datagram, { maxLength: 300 }), (datagrams) => {
        const ledger = new Ledger();
        const tracker = new SequenceTracker('records');
        for (const [sequence, units, uptimeMs, exportMs] of datagrams) {
          tracker.observe(counted(sequence, units, uptimeMs, exportMs), ledger);
          assert.ok(tracker.totals.lost >= 0);
          assert.equal(ledger.get(Count.sequence_lost_records), tracker.totals.lost);
        }
      }),
      { numRuns: 300 },
    );
  });
});
