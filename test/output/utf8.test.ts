import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  asciiJson,
  characterLength,
  escapeHidden,
  isUtf8,
  MAX_JSON_EXPANSION,
  mendedLength,
  putJsonText,
  putMended,
  textLength,
} from '../../src/output/utf8.ts';
import fc from '../support/fast-check.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const strict = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

function json(bytes: Uint8Array): string {
  const target = new Uint8Array(bytes.length * MAX_JSON_EXPANSION);
  const end = putJsonText(target, 0, bytes, 0, bytes.length);
  assert.ok(end <= target.length);
  return `"${strict.decode(target.subarray(0, end))}"`;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Octets that are often nearly UTF-8. */
const nearly = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 3 }),
      fc.string({ unit: 'binary', maxLength: 2 }).map(utf8),
      fc
        .constantFrom(
          [0xe0, 0x9f],
          [0xe0, 0xa0],
          [0xed, 0xa0],
          [0xf0, 0x8f],
          [0xf0, 0x90, 0x80],
          [0xf4, 0x90],
          [0xc1],
          [0xf5],
        )
        .map((octets) => Uint8Array.from(octets)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => new Uint8Array(Buffer.concat(parts)));

describe('text from the network', () => {
  it('becomes the JSON string of what TextDecoder makes of it, whatever the octets', () => {
    fc.assert(
      fc.property(nearly, (bytes) => assert.equal(JSON.parse(json(bytes)), decoder.decode(bytes))),
      { numRuns: 2000 },
    );
  });

  it('is mended as TextDecoder does it, whatever the octets, and has the length that was said', () => {
    fc.assert(
      fc.property(nearly, (bytes) => {
        const target = new Uint8Array(bytes.length * 3);
        const end = putMended(target, 0, bytes, 0, bytes.length);
        assert.equal(strict.decode(target.subarray(0, end)), decoder.decode(bytes));
        assert.equal(mendedLength(bytes, 0, bytes.length), end);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps text of all lengths of characters as it is', () => {
    assert.equal(json(utf8('Zürich 名前 🌐')), '"Zürich 名前 🌐"');
  });

  it('puts one U+FFFD for each longest beginning of a character', () => {
    assert.equal(json(Uint8Array.from([0xf0, 0x9f, 0x8c, 65])), '"\ufffdA"');
    assert.equal(json(Uint8Array.from([0xed, 0xa0, 0x80])), '"\ufffd\ufffd\ufffd"');
    assert.equal(json(Uint8Array.from([0xc0, 0x80])), '"\ufffd\ufffd"');
    assert.equal(json(Uint8Array.from([0xe2, 0x82])), '"\ufffd"');
  });

  it('escapes quotes, backslashes and control characters', () => {
    assert.equal(json(utf8('a"b\\c\n\t\0\u001b[31m')), '"a\\"b\\\\c\\n\\t\\u0000\\u001b[31m"');
  });

  it('escapes what acts on a terminal or hides text without being ASCII', () => {
    assert.equal(json(utf8('\u007f\u009b\u00a0')), '"\\u007f\\u009b\u00a0"');
    assert.equal(
      json(utf8('\u200b\u202e\u2028\u2066\ufeff\u061c')),
      '"\\u200b\\u202e\\u2028\\u2066\\ufeff\\u061c"',
    );
  });

  it('escapes the same characters in JSON text', () => {
    assert.equal(escapeHidden('["\u009b\u202eü🌐"]'), '["\\u009b\\u202eü🌐"]');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const escaped = escapeHidden(JSON.stringify(text));
        assert.equal(JSON.parse(escaped), text);
        assert.doesNotMatch(escaped, /[\p{Cc}\u200b-\u200f\u2028-\u202e]/u);
      }),
    );
  });

  it('makes JSON strings in ASCII of names', () => {
    assert.equal(asciiJson('aü\u2028"'), '"a\\u00fc\\u2028\\""');
  });

  it('tells UTF-8 from other octets as a strict decoder does', () => {
    fc.assert(
      fc.property(nearly, (bytes) => {
        let valid = true;
        try {
          strict.decode(bytes);
        } catch {
          valid = false;
        }
        return isUtf8(bytes, 0, bytes.length) === valid;
      }),
      { numRuns: 2000 },
    );
  });

  it('does not look behind the end', () => {
    const bytes = utf8('ü');
    assert.equal(characterLength(bytes, 0, 1), -1);
    assert.equal(characterLength(bytes, 0, 2), 2);
  });

  it('has no trailing NULs', () => {
    assert.equal(textLength(utf8('ab\0c\0\0'), 0, 6), 4);
    assert.equal(textLength(utf8('xx\0\0'), 2, 2), 0);
  });
});
