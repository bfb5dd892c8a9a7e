import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MillraceError } from '../../src/base/errors.ts';
import { isRedisUri, parseRedisUri } from '../../src/fleet/redis-uri.ts';

test('a URI says host, database, user, fleet and prefix; the rest has defaults', () => {
  const plain = parseRedisUri('redis://127.0.0.1');
  assert.deepEqual(plain.hosts, [{ host: '127.0.0.1', port: 6379 }]);
  assert.deepEqual([plain.db, plain.fleet, plain.prefix, plain.tls], [0, 'default', 'millrace', undefined]);
  const full = parseRedisUri('redis://some%20one:p%40ss%3A%2F@[::1]:7000/3?fleet=lab&prefix=flows');
  assert.deepEqual(full.hosts, [{ host: '::1', port: 7000 }]);
  assert.deepEqual([full.username, full.password], ['some one', 'p@ss:/']);
  assert.deepEqual([full.db, full.fleet, full.prefix], [3, 'lab', 'flows']);
  assert.equal(full.display, 'redis://[::1]:7000/3');
  assert.equal(parseRedisUri('redis://:secret@h').username, undefined);
  assert.equal(parseRedisUri('redis://:secret@h').password, 'secret');
});

test('Sentinel, Cluster and TLS', () => {
  const sentinel = parseRedisUri('redis+sentinel://:pw@a,b:26380/main/2?sentinel-password=x%25');
  assert.deepEqual([sentinel.mode, sentinel.master, sentinel.db], ['sentinel', 'main', 2]);
  assert.deepEqual(sentinel.hosts, [
    { host: 'a', port: 26379 },
    { host: 'b', port: 26380 },
  ]);
  assert.equal(sentinel.sentinelPassword, 'x%');
  const cluster = parseRedisUri('rediss+cluster://a:1,b:2?verify=no&servername=redis.example');
  assert.deepEqual([cluster.mode, cluster.hosts.length], ['cluster', 2]);
  assert.deepEqual(cluster.tls, { rejectUnauthorized: false, servername: 'redis.example' });
  assert.deepEqual(parseRedisUri('rediss://h').tls, { rejectUnauthorized: true });
});

test('what is wrong is said in one line without a secret', () => {
  const wrong = [
    'redis://',
    'redis://user:hunter2@',
    'redis://user:hunter2@host:0',
    'redis://user:hunter2@host:99999',
    'redis://user:hunter2@host/x',
    'redis://user:hunter2@host/1/2',
    'redis://user:hunter2/@host',
    'redis://user:hunter2%zz@host',
    'redis://user:hunter2@host?flet=lab',
    'redis://user:hunter2@host?fleet=a}b',
    'redis://user:hunter2@host?fleet=',
    'redis://user:hunter2@a,b',
    'redis+sentinel://user:hunter2@a',
    'redis+cluster://user:hunter2@a/3',
    'redis://user:hunter2@host?ca=/etc/ca.pem',
    'rediss://user:hunter2@host?ca=/does/not/exist',
    'rediss://user:hunter2@host?verify=maybe',
    'http://user:hunter2@host',
  ];
  for (const uri of wrong)
    assert.throws(
      () => parseRedisUri(uri),
      (error: unknown) => {
        assert.ok(error instanceof MillraceError, uri);
        assert.equal(error.code, 'CONFIG_INVALID');
        assert.ok(!/hunter2|\n/.test(error.message), error.message);
        return true;
      },
      uri,
    );
  assert.ok(!parseRedisUri('redis://user:hunter2@h/0?sentinel-password=x').display.includes('hunter2'));
});

test('which URIs are for Redis', () => {
  for (const uri of ['redis://h', 'rediss://h', 'redis+sentinel://h/m', 'rediss+cluster://h'])
    assert.ok(isRedisUri(uri));
  for (const uri of ['memory:', 'file:///x', 'rediss', 'redis+x://h']) assert.ok(!isRedisUri(uri));
});
