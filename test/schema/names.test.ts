import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createEncoder } from '../../src/output/create-encoder.ts';
import type { Field } from '../support/bytes.ts';
import { type Json, stateSource, stateText } from '../support/encode.ts';
import { flowBatch } from '../support/flow-batch.ts';
import { type RecordCase, values } from './record-values.ts';

describe('names', () => {
  const state = stateSource({
    interfaceName: (index) => (index === 0 ? null : stateText(`if${index}`)),
    interfaceDescription: (index) => (index === 1 ? stateText('uplink "A"') : null),
    vrfName: (id) => stateText(`vrf${id}`),
    samplerName: (id) => stateText(`sampler${id}`),
    selectorName: (id) => stateText(`selector${id}`),
    applicationName: (heap, offset, length) => (heap[offset + length - 1] === 80 ? stateText('http') : null),
  });
  const set = { stateAddress: 8 };

  it('come from options data', () => {
    const fields: Field[] = [
      [10, 4],
      [14, 4],
      [234, 4],
      [235, 4],
      [48, 1],
      [95, 4],
    ];
    const rows = [
      [1, 2, 3, 4, 5, Uint8Array.of(3, 0, 0, 80)],
      [0, 1, 3, 4, 5, Uint8Array.of(3, 0, 0, 81)],
    ];
    assert.deepEqual(values({ fields, rows, set }, { state }), [
      {
        sampler_id: 5,
        sampler_name: 'sampler5',
        in_if: 1,
        out_if: 2,
        in_if_name: 'if1',
        out_if_name: 'if2',
        in_if_desc: 'uplink "A"',
        in_vrf_id: 3,
        out_vrf_id: 4,
        in_vrf_name: 'vrf3',
        out_vrf_name: 'vrf4',
        app_id: '3:80',
        app_name: 'http',
      },
      {
        sampler_id: 5,
        sampler_name: 'sampler5',
        in_if: 0,
        out_if: 1,
        out_if_name: 'if1',
        out_if_desc: 'uplink "A"',
        in_vrf_id: 3,
        out_vrf_id: 4,
        in_vrf_name: 'vrf3',
        out_vrf_name: 'vrf4',
        app_id: '3:81',
      },
    ]);
  });

  it('are those of the exporter that sent the set', () => {
    const other = stateSource({ interfaceName: (index) => stateText(`other${index}`) });
    const fields: Field[] = [[10, 4]];
    const batch = flowBatch({
      fields,
      rows: [[1], [1], [1], [1]],
      sets: [
        { rows: 1, stateAddress: 8 },
        { rows: 1, stateAddress: 16 },
        { rows: 1, stateAddress: 0 },
        { rows: 1, stateAddress: 8 },
      ],
    });
    const encoder = createEncoder(
      { format: 'ndjson', schema: 'millrace', options: false },
      { state: (address) => (address === 8 ? state : other), listToValue: () => null },
    );
    encoder.encode(batch);
    const lines = new TextDecoder().decode(encoder.take()).trim().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as Json).in_if_name),
      ['if1', 'other1', undefined, 'if1'],
    );
  });

  it('stay right when there are more of them than are remembered', () => {
    const rows = Array.from({ length: 3000 }, (_, i) => [1 + ((i * 7) % 1500), 1 + ((i * 13) % 1700)]);
    const records = values(
      {
        fields: [
          [10, 4],
          [14, 4],
        ],
        rows,
        set,
      },
      { state },
    );
    assert.deepEqual(
      records.map((record) => [record.in_if_name, record.out_if_name]),
      rows.map(([inIf, outIf]) => [`if${inIf}`, `if${outIf}`]),
    );
  });

  it('come from the record rather than from options data', () => {
    const fields: Field[] = [
      [48, 1],
      [84, 6],
      [95, 4],
      [96, 8],
    ];
    const row = [5, 'mine\0\0', Uint8Array.of(3, 0, 0, 80), 'web\0\0\0\0\0'];
    const [record] = values({ fields, rows: [row], set }, { state });
    assert.equal(record.sampler_name, 'mine');
    assert.equal(record.app_name, 'web');
    assert.equal('ext' in record, false);
  });

  it('of selectors belong to selectors', () => {
    const [record] = values({ fields: [[302, 8]], rows: [[2n ** 40n]], set }, { state });
    assert.deepEqual(record, { sampler_id: 2 ** 40, sampler_name: `selector${2 ** 40}` });
  });

  it('of a selector that a record calls a sampler, and the other way round, are found', () => {
    const name = () => stateText('MAP');
    for (const [element, known] of [
      [48, stateSource({ selectorName: name })],
      [302, stateSource({ samplerName: name })],
    ] as const) {
      const [record] = values({ fields: [[element, 1]], rows: [[3]], set }, { state: known });
      assert.deepEqual(record, { sampler_id: 3, sampler_name: 'MAP' });
    }
  });

  it('and sampling are not for options records', () => {
    const given: RecordCase = {
      scopes: 1,
      fields: [
        [10, 4],
        [34, 4],
        [95, 4],
      ],
      rows: [[1, 100, Uint8Array.of(3, 0, 0, 80)]],
      set,
    };
    const [record] = values(given, { state, options: true });
    assert.deepEqual(record, { in_if: 1, app_id: '3:80', ext: { samplingInterval: 100 } });
    // Options templates without a scope have the layout of a data template.
    const [bare] = values({ ...given, scopes: 0, set: { ...set, options: true } }, { state, options: true });
    assert.equal('in_if_name' in bare, false);
  });
});
