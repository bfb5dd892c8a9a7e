import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Field } from '../support/bytes.ts';
import { one, values } from './record-values.ts';

describe('values with an IPv4 and an IPv6 form', () => {
  it('are the one that the template has', () => {
    assert.deepEqual(
      one(
        [
          [8, 4],
          [12, 4],
          [9, 1],
          [62, 16],
        ],
        ['0.0.0.0', '10.0.0.2', 8, '2001:db8::1'],
      ),
      {
        src_addr: '0.0.0.0',
        dst_addr: '10.0.0.2',
        etype: 2048,
        src_mask: 8,
        next_hop: '2001:db8::1',
      },
    );
    assert.deepEqual(
      one(
        [
          [27, 16],
          [29, 1],
        ],
        ['2001:db8::1', 64],
      ),
      {
        src_addr: '2001:db8::1',
        etype: 34525,
        src_mask: 64,
      },
    );
  });

  it('are chosen row by row where it has both', () => {
    const fields: Field[] = [
      [8, 4],
      [27, 16],
      [12, 4],
      [28, 16],
      [9, 1],
      [29, 1],
      [13, 1],
      [30, 1],
    ];
    const rows = [
      ['10.0.0.1', '::', '10.0.0.2', '::', 8, 0, 16, 0],
      ['0.0.0.0', '2001:db8::1', '0.0.0.0', '2001:db8::2', 0, 48, 0, 56],
    ];
    assert.deepEqual(values({ fields, rows }), [
      { src_addr: '10.0.0.1', dst_addr: '10.0.0.2', etype: 2048, src_mask: 8, dst_mask: 16 },
      { src_addr: '2001:db8::1', dst_addr: '2001:db8::2', etype: 34525, src_mask: 48, dst_mask: 56 },
    ]);
  });

  it('are of the family of the flow where neither form says anything', () => {
    const fields: Field[] = [
      [8, 4],
      [27, 16],
      [12, 4],
      [28, 16],
      [15, 4],
      [62, 16],
    ];
    const dhcp = ['0.0.0.0', '::', '255.255.255.255', '::', '0.0.0.0', '::'];
    const detection = ['0.0.0.0', '::', '0.0.0.0', 'ff02::1:ff00:1', '0.0.0.0', '::'];
    const v4 = { src_addr: '0.0.0.0', dst_addr: '255.255.255.255', etype: 2048, next_hop: '0.0.0.0' };
    const v6 = { src_addr: '::', dst_addr: 'ff02::1:ff00:1', etype: 34525, next_hop: '::' };
    assert.deepEqual(values({ fields, rows: [dhcp, detection] }), [v4, v6]);
    const none = ['0.0.0.0', '::', '0.0.0.0', '::', '0.0.0.0', '::'];
    const versioned = values({
      fields: [...fields, [60, 1]],
      rows: [
        [...none, 4],
        [...none, 6],
        [...dhcp, 0],
      ],
    });
    assert.deepEqual(
      versioned.map(({ src_addr, next_hop, etype }) => [src_addr, next_hop, etype]),
      [
        ['0.0.0.0', '0.0.0.0', 2048],
        ['::', '::', 34525],
        ['0.0.0.0', '0.0.0.0', 2048],
      ],
    );
  });

  it('show the other form in ext when it says something', () => {
    const fields: Field[] = [
      [8, 4],
      [27, 16],
      [9, 1],
      [29, 1],
    ];
    const rows = [
      ['10.0.0.1', '2001:db8::1', 8, 64],
      ['0.0.0.0', '2001:db8::1', 8, 64],
      ['10.0.0.1', '::', 8, 0],
    ];
    assert.deepEqual(
      values({ fields, rows }).map((record) => record.ext),
      [
        { sourceIPv6Address: '2001:db8::1', sourceIPv6PrefixLength: 64 },
        { sourceIPv4PrefixLength: 8 },
        undefined,
      ],
    );
  });
});

describe('etype', () => {
  it('is what was sent, else by version, else by address, else absent', () => {
    assert.deepEqual(
      one(
        [
          [256, 2],
          [60, 1],
          [8, 4],
        ],
        [0x0806, 4, '10.0.0.1'],
      ),
      {
        src_addr: '10.0.0.1',
        etype: 0x0806,
        ext: { ipVersion: 4 },
      },
    );
    const versions = values({ fields: [[60, 1]], rows: [[4], [6], [5]] });
    assert.deepEqual(versions, [{ etype: 2048 }, { etype: 34525 }, { ext: { ipVersion: 5 } }]);
    assert.deepEqual(
      one(
        [
          [60, 1],
          [8, 4],
        ],
        [0, '10.0.0.1'],
      ),
      {
        src_addr: '10.0.0.1',
        etype: 2048,
        ext: { ipVersion: 0 },
      },
    );
    assert.deepEqual(one([[28, 16]], ['::1']), { dst_addr: '::1', etype: 34525 });
    assert.deepEqual(one([[56, 6]], [1]), { src_mac: '00:00:00:00:00:01' });
  });
});
