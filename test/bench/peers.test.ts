import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { collectors, INSTALL } from '../../bench/peers/collectors.ts';

const peers = collectors(1);

test('our own collectors of the bench are started with options that there are', () => {
  const own = peers.filter(({ name }) => name.startsWith('Millrace'));
  assert.ok(own.length > 0);
  for (const { command } of own) {
    const [program, ...args] = command(2055, tmpdir());
    const dump = execFileSync(program, [...args, '--dump-config'], { encoding: 'utf8' });
    assert.match(dump, /^templates: file:/m);
  }
});

test('what is absent can be had: every peer has lines that install it', () => {
  const others = peers.filter(({ name }) => !name.startsWith('Millrace'));
  const known = Object.values(INSTALL);
  for (const { name, install, version } of others) {
    assert.ok(known.includes(install) && install.length > 0, name);
    assert.ok(version === null || version.length > 0, name);
  }
  assert.deepEqual(new Set(others.map(({ install }) => install)), new Set(known));
});
