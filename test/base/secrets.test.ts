import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskSecrets, maskValue } from '../../src/base/secrets.ts';

test('passwords of URLs and secret parameters are masked, all else stays', () => {
  for (const [text, masked] of [
    ['redis://user:p@ss:w@host:6379/0', 'redis://user:***@host:6379/0'],
    ['redis://:pw@host', 'redis://:***@host'],
    ['redis://:p/w?#@x@host', 'redis://:***@host'],
    ['at https://h/?a=1&token=abc&b=2, and', 'at https://h/?a=1&token=***&b=2, and'],
    ['x?sentinel-password=abc', 'x?sentinel-password=***'],
    ['netflow://[::]:2055', 'netflow://[::]:2055'],
    ['file:///a@b/%Y?rotate=1h', 'file:///a@b/%Y?rotate=1h'],
    [`redis://user:pa"s's@host`, 'redis://user:***@host'],
    [`redis://user:${'x'.repeat(2000)}@host`, 'redis://user:***@host'],
    ['redis:user:pw@host', 'redis:user:***@host'],
    ['at h?key=a#b;c"d&fleet=e "f"', 'at h?key=***&fleet=e "f"'],
    ['"h?token=***": g', '"h?token=***": g'],
    ['netflow://0.0.0.0:2055, netflow://[::1]:2055', 'netflow://0.0.0.0:2055, netflow://[::1]:2055'],
  ]) {
    assert.equal(maskSecrets(text), masked);
  }
});

test('in a text that is one URI a password may have blanks, too', () => {
  assert.equal(maskValue('redis://user:p w@host?fleet=a'), 'redis://user:***@host?fleet=a');
  assert.equal(maskValue('redis://:p\nw@host'), 'redis://:***@host');
  assert.equal(maskValue('src net 10.0.0.0/8 and port 80'), 'src net 10.0.0.0/8 and port 80');
});

test('no text takes long', () => {
  for (const part of ['://a:', '://', ':', '?key', '?', '&token', 'redis:', 'key'])
    assert.equal(maskSecrets(part.repeat(200_000)), part.repeat(200_000));
});
