import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access, isLoopback } from '../../src/ops/http/access.ts';

test('loopback addresses are those that only this machine can reach', () => {
  for (const host of ['127.0.0.1', '127.8.9.1', '::1', 'localhost']) assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', '::2', 'localhost.example', '']) {
    assert.ok(!isLoopback(host), host);
  }
});

test('with a token, only who sends it is admitted, under any host name', () => {
  const access = new Access('0123456789abcdef', false);
  assert.equal(access.check({ authorization: 'Bearer 0123456789abcdef', host: 'collector.example' }), 0);
  assert.equal(access.check({ authorization: 'bearer  0123456789abcdef ' }), 0);
  for (const given of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer 0123456789abcde',
    'Bearer 0123456789abcdef0',
    'Bearer 0123456789ABCDEF',
    'Basic 0123456789abcdef',
    '0123456789abcdef',
  ]) {
    assert.equal(access.check({ authorization: given, host: '127.0.0.1' }), 401, given);
  }
});

test('without a token, names that could belong to a page elsewhere are turned away', () => {
  const access = new Access(null, false);
  for (const host of [
    '127.0.0.1:8080',
    '127.0.0.1',
    '[::1]:8080',
    '[2001:db8::1]',
    'localhost',
    'LocalHost:1',
    '10.0.0.1:80',
  ]) {
    assert.equal(access.check({ host }), 0, host);
  }
  for (const host of [
    undefined,
    '',
    'rebound.example',
    'rebound.example:8080',
    'localhost.example',
    '[localhost]',
    '127.0.0.1:x',
  ]) {
    assert.equal(access.check({ host }), 421, host);
  }
  assert.equal(new Access(null, true).check({ host: 'collector.example' }), 0);
});

test('without a token, pages of other sites get nothing, and links to here work', () => {
  const access = new Access(null, false);
  const check = (site: string, mode: string): number =>
    access.check({ host: 'localhost', 'sec-fetch-site': site, 'sec-fetch-mode': mode });
  for (const site of ['cross-site', 'same-site']) {
    for (const mode of ['cors', 'no-cors', 'websocket'])
      assert.equal(check(site, mode), 403, `${site} ${mode}`);
    assert.equal(check(site, 'navigate'), 0);
  }
  for (const site of ['same-origin', 'none']) assert.equal(check(site, 'cors'), 0);
});
