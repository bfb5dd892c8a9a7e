import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskSecrets } from '../../src/base/secrets.ts';

test('passwords of URLs and secret parameters are masked, all else stays', () => {
  for (const [text, masked] of [
    ['redis://user:p@ss:w@host:6379/0', 'redis://user:***@host:6379/0'],
    ['redis://:pw@host', 'redis://:***@host'],
    ['redis://:p/w?#@x@host', 'redis://:***@host'],
    ['at https://h/?a=1&token=abc&b=2, and', 'at https://h/?a=1&token=***&b=2, and'],
    ['x?sentinel-password=abc', 'x?sentinel-password=***'],
    ['netflow://[::]:2055', 'netflow://[::]:2055'],
    ['file:///a@b/%Y?rotate=1h', 'file:///a@b/%Y?rotate=1h'],
    ['netflow://0.0.0.0:2055, netflow://[::1]:2055', 'netflow://0.0.0.0:2055, netflow://[::1]:2055'],
  ]) {
    assert.equal(maskSecrets(text), masked);
  }
});

test('no text takes long', () => {
  const text = '://a:'.repeat(200_000);
  assert.equal(maskSecrets(text), text);
});
