import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { layoutBytes } from '../../src/decode/layout.ts';
import { EntryKind, encodeEntry } from '../../src/fleet/entries.ts';
import { openStore } from '../../src/fleet/open-store.ts';
import { StateKind } from '../../src/templates/state-block.ts';
import { STORE_LIMITS } from '../../src/templates/store.ts';
import { stateItem } from '../../src/templates/store-key.ts';
import { encodeValue, ValueKind } from '../../src/templates/stored-value.ts';
import { jsonLines } from '../support/json-lines.ts';
import { RedisServer } from '../support/redis-server.ts';
import { templateItemOf } from '../support/store-items.ts';
import { run, temporaryDirectory } from './child.ts';

const directory = temporaryDirectory();
const IPFIX = 'ipfix/192.0.2.1/0/7';
const V9 = 'v9/2001:db8::1/0/0';
const EXPORT_MS = 1_700_000_000_000;

type Fields = readonly (readonly [id: number, length: number, pen?: number])[];
const payload = (fields: Fields, scopeCount = 0): Uint8Array =>
  layoutBytes(
    10,
    scopeCount,
    fields.map(([id, length, pen = 0]) => ({ pen, id, length })),
  );
const FLOW: Fields = [
  [8, 4],
  [1, 0xffff],
  [1, 8, 29305],
  [5, 3, 4711],
];

/** A store with two data templates, one of options, one damaged, and one name. */
async function filled(uri: string): Promise<string> {
  const store = await openStore(uri, { writer: '00112233aabbccdd' });
  const said = { writer: Buffer.from('00112233aabbccdd', 'hex'), exportTimeMs: EXPORT_MS, ageMs: 200_000 };
  await store.put(IPFIX, [
    templateItemOf(IPFIX, 256, '', { ...said, payload: payload(FLOW), learnedAtMs: EXPORT_MS + 1 }),
    templateItemOf(IPFIX, 300, '', {
      ...said,
      kind: ValueKind.options,
      payload: payload(
        [
          [149, 4],
          [34, 4],
        ],
        1,
      ),
    }),
    templateItemOf(IPFIX, 301, 'no layout', said),
  ]);
  await store.put(V9, [templateItemOf(V9, 256, '', { ...said, payload: payload([[8, 4]]) })]);
  const name = stateItem(StateKind.interfaceName, new Uint8Array(8).fill(1));
  const eth0 = {
    kind: ValueKind.state,
    learnedAtMs: 0,
    exportTimeMs: 0,
    sequence: 0,
    payload: Buffer.from('eth0'),
  };
  const damaged = encodeValue(V9, 'template/257', { ...eth0, writer: said.writer });
  await store.put(V9, [
    { item: name, value: encodeValue(V9, name, { ...eth0, writer: said.writer }), ageMs: 0 },
    { item: 'damaged', value: damaged, ageMs: 0 },
  ]);
  await store.close();
  return uri;
}

let files = 0;
const newUri = (): string => `file://${directory}/${++files}.mrt`;
const templates = (uri: string, ...args: string[]) => run(['templates', ...args, '--templates', uri]);

test('list shows every template, and what is wrong with it', async () => {
  const uri = await filled(newUri());
  const { code, stdout, stderr } = await templates(uri, 'list');
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' ')),
    [
      `${IPFIX} 256 data 4 fields 3 min ago`,
      `${IPFIX} 300 options 2 fields 3 min ago`,
      `${IPFIX} 301 unknown-encoding 3 min ago`,
      `${V9} 256 data 1 field 3 min ago`,
    ],
  );
  assert.equal(stderr, '4 templates of 2 exporters, 2 items of exporter state\n');
});

test('list of some exporters, for programs', async () => {
  const uri = await filled(newUri());
  const { stdout, stderr } = await templates(uri, 'list', '--exporter', '192.0.2.0/24', '--json');
  assert.equal(stderr, '');
  const [first, ...rest] = jsonLines(stdout);
  assert.equal(rest.length, 2);
  assert.equal(first['exporter'], '192.0.2.1');
  assert.equal(first['learnedBy'], '00112233aabbccdd');
  assert.equal(first['learnedAt'], '2023-11-14T22:13:20.001Z');
  assert.deepEqual((first['fields'] as unknown[])[2], {
    name: 'reverseOctetDeltaCount',
    pen: 29305,
    id: 1,
    length: 8,
    type: 'unsigned64',
    scope: false,
  });
  assert.equal(rest[1]['fault'], 'unknown-encoding');
  const none = await templates(uri, 'list', '--exporter', '10.0.0.0/8');
  assert.deepEqual([none.code, none.stdout], [0, '']);
});

test('show prints a template as a person reads it', async () => {
  const uri = await filled(newUri());
  const { stdout } = await templates(uri, 'show', IPFIX, '256');
  assert.deepEqual(stdout.split('\n'), [
    `template 256 of ${IPFIX}: data, 4 fields`,
    '  last announced 3 min ago',
    '  learned 2023-11-14T22:13:20.001Z by collector 00112233aabbccdd',
    '  from a message exported 2023-11-14T22:13:20.000Z, sequence number 1',
    '   #    length  type                  element',
    '   1         4  ipv4Address           sourceIPv4Address (8)',
    '   2  variable  unsigned64            octetDeltaCount (1)',
    '   3         8  unsigned64            reverseOctetDeltaCount (29305.1)',
    '   4         3  ?                     4711.5',
    '',
  ]);
  const all = await templates(uri, 'show', IPFIX);
  assert.equal(all.stdout.match(/^template \d+ of/gm)?.length, 3);
  assert.match(all.stdout, /observationDomainId \(149\), scope/);
  assert.match(all.stdout, /template 301 of .*\n {2}cannot be used: unknown-encoding/);
});

test('what is not there, and what is no scope or id', async () => {
  const uri = await filled(newUri());
  for (const [args, code, text] of [
    [['show', IPFIX, '999'], 1, `there is no template 999 of ${IPFIX}\n`],
    [['show', 'ipfix/192.0.2.9/0/7'], 1, 'nothing is known of ipfix/192.0.2.9/0/7\n'],
    [['withdraw', IPFIX, '999'], 1, `there is no template 999 of ${IPFIX}\n`],
    [['clear', 'ipfix/192.0.2.9/0/7'], 1, 'removed 0 items of ipfix/192.0.2.9/0/7\n'],
    [['show', '192.0.2.1\u001b[31m'], 2, 'millrace: "192.0.2.1\\u001b[31m": allowed is a scope'],
    [['show', IPFIX, '255'], 2, 'millrace: template "255": allowed is'],
    [
      ['withdraw', IPFIX],
      2,
      'millrace: templates withdraw: allowed is millrace templates withdraw SCOPE ID\n',
    ],
    [['clear', IPFIX, 'some'], 2, 'millrace: templates clear "some": allowed are all, data, options\n'],
    [['remove', IPFIX], 2, 'millrace: templates "remove": allowed are list, show,'],
    [['toString'], 2, 'millrace: templates "toString": allowed are'],
  ] as const) {
    const ended = await templates(uri, ...args);
    assert.equal(ended.code, code, ended.stderr);
    assert.equal(ended.stderr.slice(0, text.length), text);
    assert.equal(ended.stdout, '');
  }
});

test('withdraw and clear say what they did', async () => {
  const uri = await filled(newUri());
  const removed = await templates(uri, 'withdraw', IPFIX, '256');
  assert.deepEqual([removed.code, removed.stderr], [0, `removed template 256 of ${IPFIX}\n`]);
  const options = await templates(uri, 'clear', IPFIX, 'options');
  assert.deepEqual([options.code, options.stderr], [0, `removed 1 options template of ${IPFIX}\n`]);
  const json = await templates(uri, 'clear', V9, '--json');
  const [{ index, ...result }] = jsonLines(json.stdout);
  assert.deepEqual(result, { removed: 3, scope: V9, what: 'all' });
  assert.equal(index, 6);
  const left = await templates(uri, 'list', '--json');
  assert.deepEqual(
    jsonLines(left.stdout).map(({ templateId }) => templateId),
    [301],
  );
});

test('what is exported can be imported, and nothing gets younger', async () => {
  const uri = await filled(newUri());
  const file = join(directory, 'export.jsonl');
  const exported = await templates(uri, 'export', file);
  assert.deepEqual([exported.code, exported.stderr], [0, 'exported 5 items; 1 damaged item left out\n']);
  const other = newUri();
  const imported = await templates(other, 'import', file);
  assert.deepEqual([imported.code, imported.stderr], [0, 'imported 5 items: 5 stored\n']);
  const again = await templates(other, 'import', file);
  assert.equal(again.stderr, 'imported 5 items: 5 unchanged\n');
  const ages = async (of: string) => jsonLines((await templates(of, 'list', '--json')).stdout);
  const [before, afterwards] = [await ages(uri), await ages(other)];
  for (const [i, { idleMs, ...rest }] of before.entries()) {
    const { idleMs: idleThereMs, ...there } = afterwards[i];
    assert.deepEqual(there, rest);
    assert.ok((idleThereMs as number) >= (idleMs as number) - 1);
  }
  const piped = await templates(uri, 'export', '-');
  const third = newUri();
  const fromPipe = await run(['templates', 'import', '-', '--templates', third], Buffer.from(piped.stdout));
  assert.equal(fromPipe.stderr, 'imported 5 items: 5 stored\n');
});

test('a file that is no export changes nothing', async () => {
  const uri = await filled(newUri());
  const file = join(directory, 'whole.jsonl');
  await templates(uri, 'export', file);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  const line = JSON.parse(lines[1]) as Record<string, unknown>;
  const bad = join(directory, 'bad.jsonl');
  const other = newUri();
  for (const [text, complaint] of [
    ['', 'line 1: this is no file of millrace templates export'],
    ['{}\n', 'line 1: this is no file'],
    [`${lines[0]}\n${lines[1]}\nnonsense\u001b[31m\n`, 'line 3: no JSON'],
    [
      `${lines[0]}\n${JSON.stringify({ ...line, scope: V9 })}\n`,
      'line 2: the value is damaged or of another item',
    ],
    [`${lines[0]}\n${JSON.stringify({ ...line, value: 5 })}\n`, 'line 2: not of the form'],
    [`${lines[0]}\n${JSON.stringify({ ...line, announcedAtMs: null })}\n`, 'line 2: not of the form'],
    [`${lines[0]}\n${JSON.stringify({ ...line, more: 1 })}\n`, 'line 2: not of the form'],
    [
      `${lines[0]}\n${JSON.stringify({ ...line, value: 'A'.repeat(STORE_LIMITS.maxValueBytes * 2) })}\n`,
      'line 2: not of',
    ],
  ] as const) {
    writeFileSync(bad, text);
    const ended = await templates(other, 'import', bad);
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /^millrace: [^\n\p{Cc}]+\n$/u);
    assert.ok(ended.stderr.includes(complaint), ended.stderr);
  }
  assert.equal((await templates(other, 'import', join(directory, 'none.jsonl'))).code, 1);
  assert.match((await templates(other, 'list')).stderr, /no such file|0 templates/);
});

test('diff with another store and with an export; exit code 1 when they differ', async () => {
  const here = await filled(newUri());
  const there = await filled(newUri());
  assert.deepEqual(await templates(here, 'diff', IPFIX, '256', there), {
    code: 0,
    signal: null,
    stdout: 'no difference\n',
    stderr: '',
  });
  const store = await openStore(there);
  const changed: Fields = [FLOW[0], [2, 8], FLOW[2], FLOW[3]];
  await store.put(IPFIX, [
    templateItemOf(IPFIX, 256, '', { payload: payload(changed), exportTimeMs: EXPORT_MS + 1_000 }),
  ]);
  await store.close();
  const { code, stdout } = await templates(here, 'diff', IPFIX, '256', there);
  assert.equal(code, 1);
  assert.deepEqual(stdout.split('\n').slice(2, -1), [
    '         4  ipv4Address           sourceIPv4Address (8)',
    '- variable  unsigned64            octetDeltaCount (1)',
    '+        8  unsigned64            packetDeltaCount (2)',
    '         8  unsigned64            reverseOctetDeltaCount (29305.1)',
    '         3  ?                     4711.5',
  ]);
  const file = join(directory, 'there.jsonl');
  await templates(there, 'export', file);
  assert.equal((await templates(here, 'diff', IPFIX, '300', file)).code, 0);
  const json = await templates(here, 'diff', IPFIX, '256', file, '--json');
  assert.equal(json.code, 1);
  assert.equal(jsonLines(json.stdout)[0]['same'], false);
  assert.equal((await templates(here, 'diff', IPFIX, '999', file)).code, 1);
});

test('beside the process that has the file: reading works, changing says who it is', async () => {
  const uri = await filled(newUri());
  const holder = await openStore(uri);
  assert.equal((await templates(uri, 'list')).code, 0);
  const refused = await templates(uri, 'withdraw', IPFIX, '256');
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, new RegExp(`^millrace: .* in use by process ${process.pid}; .*\n$`));
  await holder.close();
});

test('the default store, and stores that cannot be opened', async () => {
  const none = await run(['templates', 'list']);
  assert.ok(none.code === 0 || /no such file/.test(none.stderr), none.stderr);
  for (const [uri, code, text] of [
    ['file://relative/x', 1, 'absolute'],
    ['nats://u:hunter2@h', 2, 'allowed is memory:'],
    ['redis://u:hunter2@127.0.0.1:1', 1, 'connection refused'],
    ['redis://u:hun/ter2@127.0.0.1:1', 1, ''],
  ] as const) {
    const ended = await templates(uri, 'list');
    assert.equal(ended.code, code, ended.stderr);
    assert.match(ended.stderr, /^millrace: [^\n]+\n$/);
    assert.ok(ended.stderr.includes(text), ended.stderr);
    assert.doesNotMatch(ended.stderr, /hunter2|ter2/);
  }
  const without = await run(['log', 'tail', '--templates', 'memory:']);
  assert.deepEqual([without.code, without.stdout], [1, '']);
  assert.match(without.stderr, /has no log/);
});

test('a store on Redis: the same commands, the history of a template, and the log', async () => {
  const server = await RedisServer.start();
  after(() => server.stop());
  const uri = await filled(`${server.uri}?fleet=lab`);
  const store = await openStore(uri, { writer: 'ffffffffffffffff' });
  await store.put(IPFIX, [
    templateItemOf(IPFIX, 256, '', { payload: payload([FLOW[0]]), exportTimeMs: EXPORT_MS + 1_000 }),
  ]);
  await store.close();
  const shown = await templates(uri, 'show', IPFIX, '256');
  assert.equal(shown.code, 0, shown.stderr);
  const history = shown.stdout.split('changes in the log\n')[1].split('\n');
  assert.match(history[0], /by 00112233aabbccdd: defined, 4 fields$/);
  assert.match(history[1], /by ffffffffffffffff: defined, 1 field$/);
  assert.match(history[2], /- variable .*octetDeltaCount/);
  assert.equal((await templates(uri, 'withdraw', IPFIX, '256')).code, 0);
  await server.command('config', 'resetstat');
  assert.equal((await templates(uri, 'list', '--json')).stdout.trim().split('\n').length, 3);
  const commands = String(await server.command('info', 'commandstats'));
  assert.match(commands, /cmdstat_hmget:/);
  assert.doesNotMatch(commands, /cmdstat_(zadd|zrem|hset|hdel|xadd|unlink|publish):/);
  const log = (...args: string[]) => run(['log', ...args, '--templates', uri]);
  const tail = await log('tail', '2');
  assert.equal(tail.code, 0, tail.stderr);
  assert.match(
    tail.stdout,
    /^4 {2}\S+Z {2}f{16} {2}put ipfix\S+: template\/256\n5 .* remove \S+: template\/256, operator\n$/,
  );
  const [entry] = jsonLines((await log('show', '5', '--json')).stdout);
  assert.equal(entry['index'], 5);
  assert.equal(entry['kind'], 'remove');
  assert.equal((await log('show', '999')).code, 1);
  const verified = await log('verify');
  assert.deepEqual(
    [verified.code, verified.stdout],
    [0, 'entries 1 to 5: sound\ncontent of the store: equal\n'],
  );
  const raw = server.client();
  await raw.hset('{millrace:lab}:t:v9/2001:db8::1/0/0', 'template/256', 'rubbish');
  const broken = await log('verify');
  assert.equal(broken.code, 1);
  assert.match(broken.stdout, /NOT SOUND\ncontent of the store: different\n/);
  const evil = '\u009b31m\u001b[2J\u202e';
  const item = templateItemOf(IPFIX, 300, '', { payload: payload(FLOW), exportTimeMs: EXPORT_MS });
  const head = { by: evil, atMs: 1, note: evil };
  const envelope = encodeEntry({ kind: EntryKind.put, ...head, scope: IPFIX, items: [item] });
  await raw.xadd('{millrace:lab}:log', '6-0', 'e', Buffer.from(envelope), 'c', '0'.repeat(40), 't', '0');
  raw.disconnect();
  const told = await Promise.all([templates(uri, 'show', IPFIX, '300'), log('tail'), log('show', '6')]);
  for (const { stdout, stderr } of told) assert.doesNotMatch(stdout + stderr, /(?!\n)[\p{Cc}\u202e]/u);
  for (const { stdout } of told) assert.match(stdout, /31m/);
  for (const args of [
    ['show'],
    ['tail', '0'],
    ['tail', 'x'],
    ['verify', '1'],
    ['frob'],
    ['tail', '1', '2'],
  ]) {
    assert.equal((await log(...args)).code, 2, args.join(' '));
  }
});
