import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { standardElements } from '../../src/elements/registry.ts';
import { RECORD } from '../../src/schema/record.ts';
import { jsonRecords } from '../support/encode.ts';
import { flowBatch } from '../support/flow-batch.ts';

describe('the record table', () => {
  it('has each key once, in snake case', () => {
    const keys = RECORD.map((field) => field.key);
    assert.deepEqual([...new Set(keys)], keys);
    for (const key of keys) assert.match(key, /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/);
    for (const { description } of RECORD) assert.match(description, /^[A-Z0-9].*[^.]$/);
  });

  it('names elements that exist and have the type of the field', () => {
    const fitting: Readonly<Record<string, RegExp>> = {
      u8: /^unsigned/,
      u16: /^unsigned/,
      u32: /^unsigned/,
      u64: /^unsigned/,
      text: /^string$/,
      mac: /^macAddress$/,
      address: /^ipv[46]Address$/,
    };
    for (const { key, type, rule, elements } of RECORD) {
      for (const ref of elements ?? []) {
        const [pen, id] = typeof ref === 'number' ? [0, ref] : ref;
        const element = standardElements.lookup(pen, id);
        assert.ok(element, `${key}: ${pen}.${id}`);
        if (rule === 'direct' || rule === 'pair')
          assert.match(element.type, fitting[type], `${key}: ${element.name}`);
      }
    }
  });

  it('has words where it says so, and deciding pairs that stand before', () => {
    const seen = new Set<string>();
    for (const { key, type, words, decidedBy } of RECORD) {
      assert.equal(type === 'word', words !== undefined, key);
      if (decidedBy !== undefined) assert.ok(seen.has(decidedBy), key);
      seen.add(key);
    }
  });

  it('is the order in which keys are written, for every element it names', () => {
    const order = RECORD.map((field) => field.key);
    const ids = RECORD.flatMap((field) => (field.elements ?? []).filter((ref) => typeof ref === 'number'));
    const fields = [...new Set(ids)].map((id) => {
      const { type } = standardElements.lookup(0, id)!;
      return [id, { ipv6Address: 16, macAddress: 6, ipv4Address: 4, unsigned8: 1 }[type as string] ?? 8] as [
        number,
        number,
      ];
    });
    const row = fields.map(([id]) => {
      const { type } = standardElements.lookup(0, id)!;
      if (type === 'octetArray' || type === 'string' || type === 'ipv6Address')
        return new Uint8Array(16).fill(1);
      return 1;
    });
    const [record] = jsonRecords(flowBatch({ fields, rows: [row] }));
    const keys = Object.keys(record).filter((key) => key !== 'ext');
    assert.deepEqual(
      keys,
      order.filter((key) => key in record),
    );
    assert.equal(Object.keys(record).at(-1), 'ext');
    assert.ok(keys.length > 60, `${keys.length} keys`);
  });
});
