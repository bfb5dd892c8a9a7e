import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { ELEMENT_TYPES, type Element, type ElementType, REVERSE_PEN } from '../../src/elements/element.ts';
import { renderIanaTable, SOURCE_FOLDER } from '../../src/elements/generate.ts';
import { ElementRegistry, standardElements } from '../../src/elements/registry.ts';
import { VENDOR_TABLES } from '../../src/elements/vendors.ts';
import fc from '../support/fast-check.ts';

interface IanaElement {
  id: number;
  name: string;
  type: ElementType;
}

const json = readFileSync(new URL('iana-elements.json', SOURCE_FOLDER), 'utf8');
const iana = JSON.parse(json) as { source: string; updated: string; elements: IanaElement[] };

const reverseName = (name: string): string => `reverse${name[0].toUpperCase()}${name.slice(1)}`;

function assertFound(pen: number, id: number, name: string, type: ElementType): void {
  assert.deepEqual(standardElements.lookup(pen, id), { pen, id, name, type });
}

test('the committed IANA table is what the generator writes from the registry facts', () => {
  const committed = readFileSync(new URL('iana.generated.ts', SOURCE_FOLDER), 'utf8');
  assert.equal(renderIanaTable(json), committed);
});

test('the registry facts say where they are from, one element a line', () => {
  assert.match(iana.source, /^IANA /);
  assert.match(iana.updated, /^\d{4}-\d\d-\d\d$/);
  assert.equal(json.split('\n').filter((line) => line.startsWith('{"id": ')).length, iana.elements.length);
});

test('the generator refuses facts that would not make a sound table', () => {
  const text = (...elements: object[]): string => JSON.stringify({ source: 's', updated: 'u', elements });
  const good = { id: 7, name: 'a', type: 'string' };
  assert.match(renderIanaTable(text(good)), /\n {2}\[7, 'a', 'string'\],\n/);
  assert.throws(() => renderIanaTable(text(good, good)), /ids ascend/);
  assert.throws(() => renderIanaTable(text({ ...good, id: 32768 })), /ids ascend/);
  assert.throws(() => renderIanaTable(text({ ...good, name: "a', process.exit(), '" })), /plain name/);
  assert.throws(() => renderIanaTable(text({ ...good, type: 'unsigned128' })), /known type/);
});

test('every IANA element is found under pen 0, and turned round under the reverse pen', () => {
  assert.ok(iana.elements.length > 500);
  for (const { id, name, type } of iana.elements) {
    assertFound(0, id, name, type);
    assertFound(REVERSE_PEN, id, reverseName(name), type);
  }
});

test('what IANA has not assigned is unknown, forward and reverse', () => {
  const assigned = new Set(iana.elements.map((element) => element.id));
  for (let id = 0; id <= 2000; id++) {
    if (assigned.has(id)) continue;
    assert.equal(standardElements.lookup(0, id), undefined, `0.${id}`);
    assert.equal(standardElements.lookup(REVERSE_PEN, id), undefined, `${REVERSE_PEN}.${id}`);
  }
  assert.equal(standardElements.lookup(0, 32000), undefined);
  assert.equal(standardElements.lookup(REVERSE_PEN, 32000), undefined);
  assert.equal(standardElements.lookup(0, 65535), undefined);
});

test('deprecated elements and wide types are kept as registered', () => {
  assertFound(0, 102, 'layer2packetSectionOffset', 'unsigned16');
  const wide = iana.elements.filter((element) => element.type === 'unsigned256');
  assert.ok(wide.length > 0);
  for (const { id, name } of wide) assertFound(0, id, name, 'unsigned256');
});

test('elements that RFC 5103 calls not reversible have a reverse name too', () => {
  assertFound(REVERSE_PEN, 145, 'reverseTemplateId', 'unsigned16');
  assertFound(REVERSE_PEN, 210, 'reversePaddingOctets', 'octetArray');
});

test('vendor elements are found under their enterprise number', () => {
  const samples: [number, number, string, ElementType][] = [
    [9, 12236, 'ciscoClientIPv4Address', 'ipv4Address'],
    [9, 12232, 'ciscoAppCategoryName', 'string'],
    [637, 91, 'alcatelNatInsideSvcId', 'unsigned16'],
    [2636, 137, 'juniperCommonPropertiesId', 'unsigned16'],
    [3054, 126, 'ixiaSrcLatitude', 'float32'],
    [3054, 197, 'ixiaDnsRecord', 'subTemplateList'],
    [3054, 203, 'ixiaDhcpClientMac', 'macAddress'],
    [5951, 153, 'netscalerHttpReqRcvFB', 'dateTimeMicroseconds'],
    [6871, 14, 'initialTCPFlags', 'unsigned16'],
    [6871, 18, 'payload', 'octetArray'],
    [6871, 425, 'sslCertList', 'subTemplateList'],
    [6871, 338, 'httpServerStringList', 'basicList'],
    [6876, 881, 'vmwareTenantSourceIPv4', 'ipv4Address'],
    [6876, 891, 'vmwareTunnelType', 'unsigned8'],
    [8057, 808, 'cesnetTLSSNI', 'string'],
    [9789, 1, 'astaroAfcProtocol', 'unsigned16'],
    [10704, 1, 'barracudaTimestamp', 'dateTimeSeconds'],
    [15397, 11, 'proceraInternalRtt', 'signed32'],
    [16982, 600, 'muniRTSPMethod', 'string'],
    [21373, 4, 'netfilterMark', 'unsigned32'],
    [35632, 188, 'ntopTlsServerName', 'string'],
    [39499, 201, 'flowmonDhcpHostMacAddr', 'macAddress'],
    [41916, 4321, 'viptelaVpnId', 'unsigned64'],
    [56506, 100, 'antreaSourcePodNamespace', 'string'],
    [56506, 116, 'antreaIngressNetworkPolicyRulePriority', 'signed32'],
  ];
  for (const sample of samples) assertFound(...sample);
  assert.equal(standardElements.lookup(9, 1), undefined);
  assert.equal(standardElements.lookup(5951, 270), undefined);
  assert.equal(standardElements.lookup(32473, 1), undefined);
});

test('a vendor name that IANA has too carries the vendor prefix', () => {
  assertFound(0, 468, 'httpUserAgent', 'string');
  assertFound(6871, 111, 'certHttpUserAgent', 'string');
  assertFound(39499, 20, 'flowmonHttpUserAgent', 'string');
});

test('CERT marks the reverse of its own elements with bit 14', () => {
  assertFound(6871, 0x4000 + 14, 'reverseInitialTCPFlags', 'unsigned16');
  assertFound(6871, 0x4000 + 510, 'reverseLargePacketCount', 'unsigned32');
  assertFound(6871, 0x4000 + 422, 'reverseDhcpOptionList', 'basicList');
  assert.equal(standardElements.lookup(6871, 0x4000 + 33), undefined, 'silkAppLabel has no direction');
});

test('vendor field types of NetFlow v9 are found under pen 0', () => {
  assertFound(0, 33000, 'ciscoIngressAclId', 'octetArray');
  assertFound(0, 33001, 'ciscoEgressAclId', 'octetArray');
  assertFound(0, 33002, 'ciscoFirewallExtendedEvent', 'unsigned16');
  assertFound(0, 40000, 'ciscoUserName', 'string');
  assertFound(0, 40001, 'ciscoXlateSourceIPv4Address', 'ipv4Address');
  assertFound(0, 40005, 'ciscoFirewallEvent', 'unsigned8');
  assertFound(0, 56701, 'paloAltoAppId', 'string');
  assertFound(0, 56702, 'paloAltoUserId', 'string');
  assert.equal(standardElements.lookup(0, 40006), undefined);
  assert.equal(standardElements.lookup(0, 56700), undefined);
  assert.equal(
    standardElements.lookup(REVERSE_PEN, 40000),
    undefined,
    'the reverse pen is for IPFIX ids only',
  );
});

test('nProbe and IOS elements are the same elements in NetFlow v9, under their other numbers', () => {
  const l7Proto = standardElements.lookup(35632, 118);
  assert.equal(l7Proto?.name, 'ntopL7Proto');
  assert.equal(standardElements.lookup(0, 57590), l7Proto);
  assert.equal(standardElements.lookup(0, 57472 + 77), undefined);
  const host = standardElements.lookup(9, 12235);
  assert.equal(host?.name, 'ciscoAppHTTPHost');
  assert.equal(standardElements.lookup(0, 45003), host);
});

test('no two elements have the same name, and every element is one that lookup finds', () => {
  const owners = new Map<string, Element>();
  let count = 0;
  for (const element of standardElements) {
    const { pen, id, name, type } = element;
    assert.equal(owners.get(name), undefined, `${name} is ${pen}.${id} and another`);
    owners.set(name, element);
    assert.equal(standardElements.lookup(pen, id), element);
    assert.match(name, /^[A-Za-z][A-Za-z0-9]*$/);
    assert.ok(ELEMENT_TYPES.includes(type), `${name} is of type ${type}`);
    count++;
  }
  let derived = 0;
  let listed = 0;
  for (const { rows, reverse } of VENDOR_TABLES) {
    listed += rows.length;
    derived += reverse?.ids.length ?? 0;
  }
  assert.equal(count, 2 * iana.elements.length + listed + derived);
});

test('lookup answers any numbers, and the same each time', () => {
  const pens = fc.oneof(fc.constantFrom(0, 9, 6871, REVERSE_PEN, 35632), fc.integer(), fc.double());
  const ids = fc.oneof(fc.nat(700), fc.nat(65535), fc.integer(), fc.double());
  fc.assert(
    fc.property(pens, ids, (pen, id) => {
      const element = standardElements.lookup(pen, id);
      assert.equal(standardElements.lookup(pen, id), element);
      if (element === undefined) return;
      if (pen !== 0 || id < 32768) assert.ok(element.pen === pen && element.id === id);
    }),
    { numRuns: 2000 },
  );
});

test('extra elements are added', () => {
  const registry = new ElementRegistry([
    { pen: 32473, id: 1, name: 'exampleShoeSize', type: 'unsigned8' },
    { pen: 0, id: 32000, name: 'localZone', type: 'string' },
    { pen: 0, id: 65535, name: 'localTag', type: 'octetArray' },
    { pen: 35632, id: 700, name: 'ntopNewest', type: 'unsigned8' },
    { pen: 0xffffffff, id: 0x7fff, name: 'lastOfAll', type: 'boolean' },
  ]);
  assert.equal(registry.lookup(32473, 1)?.name, 'exampleShoeSize');
  assert.equal(registry.lookup(0, 32000)?.name, 'localZone');
  assert.equal(registry.lookup(REVERSE_PEN, 32000)?.name, 'reverseLocalZone');
  assert.equal(registry.lookup(0, 65535)?.name, 'localTag');
  assert.equal(registry.lookup(0, 57472 + 700)?.name, 'ntopNewest');
  assert.equal(registry.lookup(0xffffffff, 0x7fff)?.name, 'lastOfAll');
  assert.equal(registry.lookup(0, 1)?.name, 'octetDeltaCount');
  assert.equal(standardElements.lookup(32473, 1), undefined);
});

test('an extra element replaces the one that has its number, and what was derived from it follows', () => {
  const registry = new ElementRegistry([
    { pen: 0, id: 1, name: 'octets', type: 'unsigned32' },
    { pen: REVERSE_PEN, id: 2, name: 'packetsBack', type: 'unsigned32' },
    { pen: 35632, id: 118, name: 'appProtocol', type: 'unsigned32' },
    { pen: 0, id: 57591, name: 'appProtocolName', type: 'string' },
    { pen: 6871, id: 0x4000 + 14, name: 'firstFlagsBack', type: 'unsigned8' },
  ]);
  assert.deepEqual(registry.lookup(0, 1), { pen: 0, id: 1, name: 'octets', type: 'unsigned32' });
  assert.equal(registry.lookup(REVERSE_PEN, 1)?.name, 'reverseOctets');
  assert.equal(registry.lookup(REVERSE_PEN, 2)?.name, 'packetsBack');
  assert.equal(registry.lookup(0, 2)?.name, 'packetDeltaCount');
  assert.equal(registry.lookup(0, 57590)?.name, 'appProtocol');
  assert.equal(registry.lookup(0, 57591)?.name, 'appProtocolName');
  assert.equal(registry.lookup(35632, 119)?.name, 'ntopL7ProtoName');
  assert.equal(registry.lookup(6871, 0x4000 + 14)?.name, 'firstFlagsBack');
});

test('the last of two extra elements with one number counts', () => {
  const element = { pen: 32473, id: 1, name: 'first', type: 'string' } as const;
  const registry = new ElementRegistry([element, { ...element, name: 'second' }]);
  assert.equal(registry.lookup(32473, 1)?.name, 'second');
});

test('an extra element that would make records ambiguous or cannot be is refused with the reason', () => {
  const good: Element = { pen: 32473, id: 1, name: 'example', type: 'string' };
  const refused: [Partial<Element>, RegExp][] = [
    [{ name: 'octetDeltaCount' }, /0\.1 and 32473\.1 have the same name "octetDeltaCount"/],
    [{ name: 'reverseOctetDeltaCount' }, /the same name/],
    [{ name: 'ntopL7Proto' }, /the same name/],
    [{ name: '' }, /not a name/],
    [{ name: '32473.2' }, /not a name/],
    [{ name: 'x'.repeat(129) }, /not a name/],
    [{ id: 32768 }, /id must be 0 to 32767/],
    [{ id: -1 }, /id must be/],
    [{ id: 1.5 }, /id must be/],
    [{ pen: 0, id: 65536 }, /id must be 0 to 65535/],
    [{ pen: 0x100000000 }, /enterprise number must be/],
    [{ pen: -1 }, /enterprise number must be/],
    [{ pen: Number.NaN }, /enterprise number must be/],
    [{ type: 'unsigned128' as ElementType }, /not a type/],
  ];
  for (const [change, reason] of refused) {
    assert.throws(
      () => new ElementRegistry([{ ...good, ...change }]),
      (error) =>
        error instanceof MillraceError && error.code === 'CONFIG_INVALID' && reason.test(error.message),
      `${JSON.stringify(change)} is refused`,
    );
  }
  const name = 'x'.repeat(128);
  assert.equal(new ElementRegistry([{ ...good, name, id: 32767 }]).lookup(32473, 32767)?.name, name);
});

test('elements cannot be changed, since all decoders look at the same ones', () => {
  for (const registry of [
    standardElements,
    new ElementRegistry([{ pen: 32473, id: 1, name: 'own', type: 'string' }]),
  ])
    for (const element of registry) assert.ok(Object.isFrozen(element), element.name);
});
