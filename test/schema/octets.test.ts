import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Field } from '../support/bytes.ts';
import { one, values } from './record-values.ts';

describe('icmp_type and icmp_code', () => {
  it('are taken apart, or as they are', () => {
    assert.deepEqual(one([[32, 2]], [0x0305]), { icmp_type: 3, icmp_code: 5 });
    assert.deepEqual(one([[139, 2]], [0x8000]), { icmp_type: 128, icmp_code: 0 });
    assert.deepEqual(
      one(
        [
          [176, 1],
          [177, 1],
          [32, 2],
        ],
        [8, 0, 0x0800],
      ),
      {
        icmp_type: 8,
        icmp_code: 0,
        ext: { icmpTypeCodeIPv4: 2048 },
      },
    );
    assert.deepEqual(
      one(
        [
          [178, 1],
          [179, 1],
        ],
        [1, 4],
      ),
      { icmp_type: 1, icmp_code: 4 },
    );
  });

  it('are left out of flows of other protocols unless they say something', () => {
    const fields: Field[] = [
      [4, 1],
      [32, 2],
    ];
    const rows = [
      [1, 0],
      [58, 0],
      [6, 0],
      [17, 0x0301],
    ];
    assert.deepEqual(
      values({ fields, rows }).map((record) => [record.icmp_type, record.icmp_code]),
      [
        [0, 0],
        [0, 0],
        [undefined, undefined],
        [3, 1],
      ],
    );
  });
});

describe('ICMP types and codes of both families in one template', () => {
  const shown = (fields: Field[], rows: number[][]) =>
    values({ fields, rows }).map(({ icmp_type, icmp_code, ext }) => [icmp_type, icmp_code, ext]);

  it('are those of the protocol', () => {
    const rows = [
      [1, 0x0301, 0],
      [1, 0, 0],
      [58, 0, 0x8700],
      [58, 0x8701, 0],
      [58, 0, 0],
      [6, 0, 0],
      [58, 0x0301, 0x8700],
      [1, 0x0301, 0x8700],
    ];
    const fields: Field[] = [
      [4, 1],
      [32, 2],
      [139, 2],
    ];
    assert.deepEqual(shown(fields, rows), [
      [3, 1, undefined],
      [0, 0, undefined],
      [135, 0, undefined],
      [135, 1, undefined],
      [0, 0, undefined],
      [undefined, undefined, undefined],
      [135, 0, { icmpTypeCodeIPv4: 0x0301 }],
      [3, 1, { icmpTypeCodeIPv6: 0x8700 }],
    ]);
  });

  it('are those that say something where there is no protocol', () => {
    const fields: Field[] = [
      [176, 1],
      [177, 1],
      [178, 1],
      [179, 1],
    ];
    const rows = [
      [8, 0, 0, 0],
      [0, 0, 128, 0],
      [0, 0, 0, 0],
    ];
    assert.deepEqual(shown(fields, rows), [
      [8, 0, undefined],
      [128, 0, undefined],
      [0, 0, undefined],
    ]);
  });
});

describe('mpls_labels', () => {
  const section = (label: number, bottom = false): Uint8Array =>
    Uint8Array.of(label >>> 12, (label >>> 4) & 255, ((label & 15) << 4) | (bottom ? 1 : 0));

  it('end with the bottom of the stack or with an empty section', () => {
    const fields: Field[] = [
      [70, 3],
      [71, 3],
      [72, 3],
    ];
    const rows = [
      [section(16), section(1_048_575), section(3, true)],
      [section(16, true), section(99), section(98)],
      [section(17), section(0), section(98)],
      [section(0), section(0), section(0)],
    ];
    assert.deepEqual(values({ fields, rows }), [
      { mpls_labels: [16, 1_048_575, 3] },
      { mpls_labels: [16] },
      { mpls_labels: [17] },
      {},
    ]);
  });

  it('are an array also when there can be only one', () => {
    assert.deepEqual(one([[70, 3]], [section(5, true)]), { mpls_labels: [5] });
    assert.deepEqual(one([[70, 2]], [Uint8Array.of(1, 2)]), {});
  });
});

describe('app_id and vpn_rd', () => {
  it('are engine and selector', () => {
    assert.deepEqual(one([[95, 4]], [Uint8Array.of(13, 0, 1, 187)]), { app_id: '13:443' });
    assert.deepEqual(one([[95, 7]], [Uint8Array.of(20, 255, 255, 255, 255, 255, 255)]), {
      app_id: '20:281474976710655',
    });
    assert.deepEqual(one([[95, 2]], [Uint8Array.of(3, 0)]), { app_id: '3:0' });
    assert.deepEqual(one([[95, 65535]], [Uint8Array.of()]), {});
    assert.deepEqual(one([[95, 8]], [new Uint8Array(8)]), { ext: { applicationId: '0000000000000000' } });
  });

  it('are administrator and number', () => {
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 0, 0xfd, 0xe8, 0, 0, 0, 100)]), {
      vpn_rd: '65000:100',
    });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 1, 192, 0, 2, 1, 0, 7)]), { vpn_rd: '192.0.2.1:7' });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 2, 0, 1, 0, 0, 255, 255)]), { vpn_rd: '65536:65535' });
    assert.deepEqual(one([[90, 8]], [Uint8Array.of(0, 3, 0, 0, 0, 0, 0, 0)]), {
      ext: { mplsVpnRouteDistinguisher: '0003000000000000' },
    });
  });
});
