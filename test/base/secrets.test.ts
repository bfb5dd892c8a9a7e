import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maskSecrets } from '../../src/base/secrets.ts';

for (const [text, masked] of [
  ['redis://h:6379/0', 'redis://h:6379/0'],
  ['redis://user@h:6379', 'redis://user@h:6379'],
  ['redis://user:hunter2@h:6379', 'redis://user:***@h:6379'],
  ['redis://:hunter2@h', 'redis://:***@h'],
  ['rediss://user:hun%2Fter@h1,h2/0?fleet=lab', 'rediss://user:***@h1,h2/0?fleet=lab'],
  ['redis://user:hun/t@er?2@h', 'redis://user:***@h'],
  ['cannot reach redis://u:hunter2@h: refused', 'cannot reach redis://u:***@h: refused'],
  [
    'redis://h?fleet=lab&sentinelPassword=hunter2&prefix=p',
    'redis://h?fleet=lab&sentinelPassword=***&prefix=p',
  ],
  ['redis://h?TOKEN=hunter2', 'redis://h?TOKEN=***'],
  ['file:///var/a:b/c', 'file:///var/a:b/c'],
  ['redis://user:p@ss:w@host:6379/0', 'redis://user:***@host:6379/0'],
  ['at https://h/?a=1&token=abc&b=2, and', 'at https://h/?a=1&token=***&b=2, and'],
  ['x?sentinel-password=abc', 'x?sentinel-password=***'],
  ['netflow://[::]:2055', 'netflow://[::]:2055'],
  ['file:///a@b/%Y?rotate=1h', 'file:///a@b/%Y?rotate=1h'],
  ['netflow://0.0.0.0:2055, netflow://[::1]:2055', 'netflow://0.0.0.0:2055, netflow://[::1]:2055'],
] as const) {
  test(`masked: ${masked}`, () => {
    assert.equal(maskSecrets(text), masked);
    assert.ok(!maskSecrets(text).includes('hunter2'));
  });
}
