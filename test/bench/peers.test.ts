import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { collectors, INSTALL } from '../../bench/peers/collectors.ts';

const peers = collectors(1);
const own = peers.filter(({ name }) => name.startsWith('Millrace'));

for (const { name, command, flows } of own) {
  test(`the bench can start ${name}, and read what it wrote`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-peers-'));
    try {
      const [program, ...args] = command(0, folder);
      const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let log = '';
      child.stderr.on('data', (text) => {
        const listened = log.includes('listening on');
        log += text;
        // A second signal would end it at once.
        if (!listened && log.includes('listening on')) child.kill('SIGTERM');
      });
      const [code] = await once(child, 'close');
      assert.equal(code, 0, log);
      assert.equal(flows(folder), 0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

test('what is absent can be had: every peer has lines that install it', () => {
  assert.ok(own.length > 0);
  const others = peers.filter((peer) => !own.includes(peer));
  for (const { name, install, version } of others) {
    assert.ok(install.length > 0, name);
    assert.ok(version === null || version.length > 0, name);
  }
  assert.deepEqual(new Set(others.map(({ install }) => install)), new Set(Object.values(INSTALL)));
});
