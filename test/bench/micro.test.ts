import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { smoke } from '../../bench/harness.ts';
import { MICRO_BENCHES } from '../../bench/micro/index.ts';

/** Every bench in its small size, so that none of them rots: its own check of the output, and the same output twice. */
describe('micro benches', () => {
  for (const bench of MICRO_BENCHES) {
    it(bench.name, async () => {
      const hash = await smoke(bench);
      assert.match(hash, /^[0-9a-f]{16}$/);
      assert.equal(await smoke(bench), hash);
    });
  }

  it('have names of their own', () => {
    assert.equal(new Set(MICRO_BENCHES.map(({ name }) => name)).size, MICRO_BENCHES.length);
  });

  it('give interpreted and compiled plans the same output', async () => {
    const [interpreted, compiled] = ['interpreted', 'compiled'].map((kind) =>
      MICRO_BENCHES.filter(({ name }) => name.startsWith('plan/') && name.endsWith(kind)),
    );
    assert.ok(interpreted.length > 0);
    assert.equal(interpreted.length, compiled.length);
    for (let i = 0; i < interpreted.length; i++) {
      assert.equal(await smoke(interpreted[i]), await smoke(compiled[i]), compiled[i].name);
    }
  });
});
