import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { test } from 'node:test';
import { addressText, Cidr, ipv4Text, ipv6Text, macText, parseAddress } from '../../src/base/ip.ts';
import { hex } from '../support/bytes.ts';
import fc from '../support/fast-check.ts';

const parse = (text: string): string | null => {
  const bytes = new Uint8Array(16);
  return parseAddress(text, bytes) ? Buffer.from(bytes).toString('hex') : null;
};

test('IPv4 text', () => {
  assert.equal(ipv4Text(0), '0.0.0.0');
  assert.equal(ipv4Text(0xffffffff), '255.255.255.255');
  assert.equal(ipv4Text(0xc0000201), '192.0.2.1');
});

test('IPv6 text follows RFC 5952', () => {
  const text = (groups: string) => ipv6Text(hex(groups), 0);
  assert.equal(text('00000000000000000000000000000000'), '::');
  assert.equal(text('00000000000000000000000000000001'), '::1');
  assert.equal(text('20010db8000000000001000000000001'), '2001:db8::1:0:0:1');
  assert.equal(text('20010db8000000010001000100010001'), '2001:db8:0:1:1:1:1:1');
  assert.equal(text('00010000000000020000000000000003'), '1:0:0:2::3');
  assert.equal(text('fe800000000000000000000000000000'), 'fe80::');
  assert.equal(text('00000001000200030004000500060000'), '0:1:2:3:4:5:6:0');
});

test('addresses of both families are parsed to one form', () => {
  assert.equal(parse('192.0.2.1'), '00000000000000000000ffffc0000201');
  assert.equal(parse('::ffff:192.0.2.1'), '00000000000000000000ffffc0000201');
  assert.equal(parse('fe80::1%eth0'), 'fe800000000000000000000000000001');
  assert.equal(parse('2001:DB8::'), '20010db8000000000000000000000000');
  for (const bad of [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '12345::',
    'g::',
    '1:2:3:4:5:6:7',
    'x',
  ])
    assert.equal(parse(bad), null, bad);
});

test('any IPv6 address survives text and back, and node agrees that it is one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const text = ipv6Text(bytes, 0);
      assert.ok(isIPv6(text), text);
      assert.equal(parse(text), Buffer.from(bytes).toString('hex'));
    }),
  );
});

test('mapped addresses are shown as IPv4', () => {
  const bytes = new Uint8Array(16);
  parseAddress('203.0.113.9', bytes);
  assert.equal(addressText(bytes, 0), '203.0.113.9');
});

test('MAC text', () => {
  assert.equal(macText(0x0011, 0x22aabbcc), '00:11:22:aa:bb:cc');
  assert.equal(macText(0, 0), '00:00:00:00:00:00');
});

test('address ranges', () => {
  const inside = (range: string, text: string): boolean => {
    const bytes = new Uint8Array(16);
    assert.ok(parseAddress(text, bytes));
    return Cidr.parse(range)!.contains(bytes);
  };
  assert.ok(inside('10.0.0.0/8', '10.255.0.1'));
  assert.ok(!inside('10.0.0.0/8', '11.0.0.1'));
  assert.ok(inside('10.1.2.128/25', '10.1.2.200'));
  assert.ok(!inside('10.1.2.128/25', '10.1.2.127'));
  assert.ok(inside('192.0.2.7', '192.0.2.7'));
  assert.ok(!inside('192.0.2.7', '192.0.2.6'));
  assert.ok(inside('0.0.0.0/0', '8.8.8.8'));
  assert.ok(!inside('0.0.0.0/0', '2001:db8::1'));
  assert.ok(inside('2001:db8::/33', '2001:db8:7fff::1'));
  assert.ok(!inside('2001:db8::/33', '2001:db8:8000::1'));
  assert.ok(inside('::/0', '8.8.8.8'));
  for (const bad of ['10.0.0.0/33', '::/129', 'x/8', '10.0.0.0/', '10.0.0.0/-1'])
    assert.equal(Cidr.parse(bad), null);
});
