import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExporterSimulator, type GeneratorOptions } from '../../src/generator/exporters.ts';
import { shapeFields, shapeKey } from '../../src/generator/template-data.ts';
import { type MessageRead, Reader } from './reader.ts';

/** Messages of each exporter. */
function run(options: Partial<GeneratorOptions>, count: number): MessageRead[][] {
  const simulator = new ExporterSimulator(options);
  const reader = new Reader();
  const messages: MessageRead[][] = Array.from({ length: options.exporters ?? 1 }, () => []);
  for (let i = 0; i < count; i++) {
    const { payload, exporter } = simulator.next();
    messages[exporter].push(reader.read(payload));
  }
  return messages;
}

for (const version of [9, 10] as const) {
  test(`v${version}: templates are in the first datagram of an exporter and in every nth`, () => {
    for (const messages of run({ version, exporters: 3, templates: 3, templateEvery: 7 }, 3 * 30)) {
      messages.forEach((message, i) => {
        const ids = message.templates.map(({ id }) => id);
        assert.deepEqual(ids, i % 7 === 0 ? [256, 257, 258] : [], `datagram ${i}`);
        if (ids.length > 0) assert.equal(message.sets[0], version === 9 ? 0 : 2);
        assert.ok(message.data.length > 0);
      });
      const used = new Set(messages.flatMap(({ data }) => data.map(({ templateId }) => templateId)));
      assert.deepEqual([...used].sort(), [256, 257, 258]);
    }
  });

  test(`v${version}: more templates than one datagram holds are announced before they are used`, () => {
    const [messages] = run({ version, templates: 60, templateEvery: 5, options: true }, 200);
    assert.ok(messages[0].templates.length < 60);
    for (const message of messages) {
      assert.equal(message.unknown, 0);
      assert.ok(message.data.length > 0);
    }
    const announced = new Set(messages.flatMap(({ templates }) => templates.map(({ id }) => id)));
    assert.equal(announced.size, 60);
  });

  test(`v${version}: every nth datagram begins with another definition of a template and uses it at once`, () => {
    const redefine = 6;
    const [messages] = run({ version, templates: 3, templateEvery: 1000, redefine }, 100);
    const definitions = new Map(messages[0].templates.map((t) => [t.id, JSON.stringify(t.fields)]));
    const changed: number[] = [];
    messages.slice(1).forEach((message, i) => {
      if ((i + 1) % redefine !== 0) {
        assert.equal(message.templates.length, 0);
        return;
      }
      assert.equal(message.templates.length, 1);
      assert.equal(message.sets[0], version === 9 ? 0 : 2);
      const [template] = message.templates;
      assert.notEqual(JSON.stringify(template.fields), definitions.get(template.id));
      definitions.set(template.id, JSON.stringify(template.fields));
      assert.equal(message.data[0].templateId, template.id);
      assert.equal(message.data[0].template, template);
      changed.push(template.id);
    });
    assert.deepEqual(changed.slice(0, 5), [256, 257, 258, 256, 257]);
    assert.equal(changed.length, 16);
  });
}

test('a redefinition that meets a refresh is sent once, first', () => {
  const [messages] = run({ templates: 3, templateEvery: 4, redefine: 8 }, 40);
  assert.deepEqual(
    messages[16].templates.map(({ id }) => id),
    [257, 256, 258],
  );
  assert.equal(messages[16].data[0].templateId, 257);
});

test('a template without redefinition never changes', () => {
  const [messages] = run({ version: 10, templates: 5, templateEvery: 3 }, 60);
  const definitions = new Map<number, string>();
  for (const { id, fields } of messages.flatMap(({ templates }) => templates)) {
    const text = JSON.stringify(fields);
    assert.equal(definitions.get(id) ?? text, text);
    definitions.set(id, text);
  }
  assert.equal(new Set(definitions.values()).size, 5);
});

test('definitions that follow each other differ, often in the order of their fields alone', () => {
  for (const version of [9, 10]) {
    for (const place of [0, 1, 5, 6, 20, 999]) {
      let sameOctets = 0;
      for (let i = 0; i < 40; i++) {
        const before = shapeFields(version, shapeKey(version, place, i));
        const after = shapeFields(version, shapeKey(version, place, i + 1));
        assert.notDeepEqual(before, after);
        const octets = (fields: typeof before) => fields.reduce((sum, { length }) => sum + length, 0);
        if (octets(before) === octets(after)) sameOctets++;
      }
      assert.ok(sameOctets >= 20);
    }
  }
});
