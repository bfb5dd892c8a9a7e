import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NameText } from '../../src/templates/name-text.ts';
import fc from '../support/fast-check.ts';

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function clean(source: Uint8Array): { text: string; cut: boolean } {
  const name = new NameText();
  const length = name.set(Uint8Array.of(0x41, ...source, 0x42), 1, source.length);
  return { text: strict.decode(name.bytes.subarray(0, length)), cut: name.cut };
}

describe('NameText', () => {
  it('keeps text that is sound', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '/', ' ', 'é', '€', '🚀', '~'), maxLength: 60 });
    fc.assert(
      fc.property(text, fc.nat(20), (sound, padding) => {
        const source = Buffer.concat([Buffer.from(sound), Buffer.alloc(padding)]);
        assert.deepEqual(clean(source), { text: sound, cut: false });
      }),
    );
  });

  it('makes valid UTF-8 without control characters of whatever comes, within the limit', () => {
    const octets = fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.uint8Array({ min: 0xc0, maxLength: 300 }),
      fc.string({ unit: 'grapheme', minLength: 200, maxLength: 400 }).map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(octets, (source) => {
        const { text, cut } = clean(source);
        assert.doesNotMatch(text, /\p{Cc}/u);
        assert.ok(Buffer.byteLength(text) <= 255);
        const whole = new TextDecoder().decode(source).replace(/\p{Cc}/gu, '');
        assert.ok(whole.startsWith(text));
        assert.equal(cut, text !== whole);
        // As much as fits: the next character would not.
        if (cut) assert.ok(Buffer.byteLength(text) > 255 - 4);
      }),
    );
  });

  it('forgets the name before', () => {
    const name = new NameText();
    name.set(Buffer.from('x'.repeat(300)), 0, 300);
    assert.equal(name.cut, true);
    assert.equal(name.set(Buffer.from('ab'), 1, 1), 1);
    assert.equal(name.bytes[0], 0x62);
    assert.equal(name.cut, false);
    assert.equal(name.set(Buffer.from('\0\0'), 0, 2), 0);
  });
});
