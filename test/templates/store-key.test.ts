import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../src/base/ip.ts';
import { StateKind } from '../../src/templates/state-block.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import {
  itemTemplateId,
  parseScopeName,
  parseStateItem,
  SYSTEM_INIT_ITEM,
  SYSTEM_RATE_ITEM,
  scopeName,
  stateItem,
  templateItem,
} from '../../src/templates/store-key.ts';
import { hex } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

const addressOf = (text: string): Uint8Array => {
  const bytes = new Uint8Array(16);
  assert.ok(parseAddress(text, bytes), text);
  return bytes;
};

test('scopes have one name', () => {
  assert.equal(scopeName(10, addressOf('192.0.2.1'), 0, 7), 'ipfix/192.0.2.1/0/7');
  assert.equal(scopeName(10, addressOf('::ffff:192.0.2.1'), 0, 7), 'ipfix/192.0.2.1/0/7');
  assert.equal(
    scopeName(9, addressOf('2001:DB8:0:0::1'), 2055, 0xffffffff),
    'v9/2001:db8::1/2055/4294967295',
  );
});

test('a scope name is read back', () => {
  const key = fc.record(
    {
      version: fc.constantFrom(9, 10),
      address: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      port: fc.nat(0xffff),
      domain: fc.nat(0xffffffff),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(key, (given) => {
      const name = scopeName(given.version, given.address, given.port, given.domain);
      assert.deepEqual(parseScopeName(name), given);
      assert.ok(name.length <= STORE_LIMITS.maxScopeNameBytes);
    }),
  );
});

for (const name of [
  '',
  'ipfix',
  'ipfix/192.0.2.1/0',
  'ipfix/192.0.2.1/0/7/',
  'ipfix/192.0.2.1/0/7/1',
  'v10/192.0.2.1/0/7',
  'v5/192.0.2.1/0/7',
  'IPFIX/192.0.2.1/0/7',
  'ipfix/192.0.2.256/0/7',
  'ipfix/192.0.02.1/0/7',
  'ipfix/::ffff:192.0.2.1/0/7',
  'ipfix/2001:DB8::1/0/7',
  'ipfix/2001:db8:0:0:0:0:0:1/0/7',
  'ipfix/fe80::1%eth0/0/7',
  'ipfix/192.0.2.1/65536/7',
  'ipfix/192.0.2.1/-1/7',
  'ipfix/192.0.2.1/00/7',
  'ipfix/192.0.2.1//7',
  'ipfix/192.0.2.1/0/4294967296',
  'ipfix/192.0.2.1/0/1e3',
  'ipfix/192.0.2.1/0/0x7',
  'ipfix/192.0.2.1/0/7 ',
  ' ipfix/192.0.2.1/0/7',
  'ipfix/192.0.2.1/0/7\n',
  'ipfix/192.0.2.1/0/NaN',
]) {
  test(`no scope name: ${JSON.stringify(name)}`, () => assert.equal(parseScopeName(name), null));
}

test('what is read as a scope name is the name of that scope', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const key = parseScopeName(text);
      assert.ok(key === null || scopeName(key.version, key.address, key.port, key.domain) === text);
    }),
  );
});

test('template items, both ends of the range', () => {
  for (const id of [256, 257, 65_535]) assert.equal(itemTemplateId(templateItem(id)), id);
  for (const item of [
    'template/255',
    'template/65536',
    'template/0256',
    'template/256 ',
    'template/2.56e2',
    'template/',
    'template/-256',
    'Template/256',
    'state/template/256',
    '',
  ]) {
    assert.equal(itemTemplateId(item), -1, item);
  }
});

test('items of exporter state are read back', () => {
  const kinds = fc.constantFrom(...Object.values(StateKind));
  fc.assert(
    fc.property(kinds, fc.uint8Array({ minLength: 1, maxLength: 16 }), (kind, key) => {
      const item = stateItem(kind, key);
      const found = parseStateItem(item);
      assert.equal(found?.kind, kind);
      assert.deepEqual(new Uint8Array(found!.key), key);
      assert.ok(item.length <= STORE_LIMITS.maxItemNameBytes);
    }),
  );
  assert.equal(
    stateItem(StateKind.interfaceName, hex('0000000000000005')),
    'state/interfaceName/0000000000000005',
  );
});

test('what is no item of exporter state with a key', () => {
  for (const item of [
    '',
    'template/256',
    'state',
    'state/interfaceName',
    'state/interfaceName/',
    'state/interfaceName/5',
    'state/interfaceName/0g',
    'state/interfaceName/AB',
    'state/interfaceName/ab/cd',
    'state/nothing/ab',
    'state/toString/ab',
    'state/__proto__/ab',
    SYSTEM_RATE_ITEM,
    SYSTEM_INIT_ITEM,
  ]) {
    assert.equal(parseStateItem(item), null, item);
  }
});
