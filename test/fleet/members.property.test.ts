/** Collectors with one store, every message of theirs with a delay of its own, end with what the store has. */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { StoredItem } from '../../src/templates/store.ts';
import { CommonStore } from '../support/far-store.ts';
import fc from '../support/fast-check.ts';
import { Member, type MemberOptions, SCOPE } from '../support/member.ts';

const MEMBERS = 3;
const IDS = [256, 257, 258];
const nowSeconds = Math.floor(Date.now() / 1000);

const by = fc.nat(MEMBERS - 1);
const id = fc.constantFrom(...IDS);
const seconds = fc.nat(50).map((n) => nowSeconds + n);
const one = <T extends string, R extends object>(op: T, rest: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ op: fc.constant(op), ...rest }) as unknown as fc.Arbitrary<{ op: T } & R>;

const step = fc.oneof(
  { weight: 8, arbitrary: one('announce', { by, id, seconds }) },
  { weight: 2, arbitrary: one('repeat', { by, id, seconds }) },
  { weight: 2, arbitrary: one('withdraw', { by, id, seconds }) },
  { weight: 1, arbitrary: one('withdraw all', { by, seconds }) },
  { weight: 1, arbitrary: one('clear', {}) },
  { weight: 1, arbitrary: one('restart', { by }) },
  { weight: 1, arbitrary: one('cut', { by }) },
  { weight: 2, arbitrary: one('mend', { by, trimmed: fc.boolean() }) },
  { weight: 1, arbitrary: one('backup', {}) },
  { weight: 1, arbitrary: one('forget', { all: fc.boolean() }) },
  { weight: 3, arbitrary: one('notice', { by }) },
  ...(['perform', 'answer', 'tell', 'post', 'apply'] as const).map((op) => ({
    weight: 8,
    arbitrary: one(op, { by }),
  })),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What was said last of each id, by the conflict rule; null where that cannot be told or need not be there. */
class Said {
  readonly #last = new Map<number, { seconds: number; length: number | null }>();
  readonly #unsure = new Set<number>();

  /** Returns whether this is older than what was said before. */
  say(id: number, seconds: number, length: number | null): boolean {
    const last = this.#last.get(id);
    if (last === undefined || seconds > last.seconds) this.#last.set(id, { seconds, length });
    else if (seconds === last.seconds) last.length = null;
    return last !== undefined && seconds < last.seconds;
  }

  unsure(ids: readonly number[]): void {
    for (const id of ids) this.#unsure.add(id);
  }

  get expected(): [number, number][] {
    return [...this.#last].flatMap(([id, { length }]) =>
      length === null || this.#unsure.has(id) ? [] : [[id, length] as [number, number]],
    );
  }
}

async function history(steps: readonly Step[], options: MemberOptions): Promise<void> {
  const common = new CommonStore();
  const members: Member[] = [];
  for (let i = 0; i < MEMBERS; i++) members.push(await new Member({ ...options, common }).start());
  const said = new Said();
  const withdrawn = (seconds: number, ids: readonly number[]): void => {
    for (const id of ids) said.say(id, seconds, null);
    // What is known but not in use cannot be told from what is withdrawn late; the store can, while it does not forget.
    if (options.maxTemplatesPerScope !== undefined) said.unsure(ids);
  };
  let length = 0;
  let lastSeconds = nowSeconds;
  let backup: ReadonlyMap<string, readonly StoredItem[]> = new Map();
  for (const action of steps) {
    if ('seconds' in action) lastSeconds = Math.max(lastSeconds, action.seconds);
    switch (action.op) {
      case 'announce':
        members[action.by].announce(action.id, ++length, action.seconds);
        // The same holds for what is late and known, but not in use.
        if (said.say(action.id, action.seconds, length) && options.maxTemplatesPerScope !== undefined)
          said.unsure([action.id]);
        break;
      case 'repeat': {
        // That a definition still holds is not told to others.
        const known = members[action.by].templates.find(([known]) => known === action.id);
        if (known !== undefined) members[action.by].announce(action.id, known[1], action.seconds);
        said.unsure([action.id]);
        break;
      }
      case 'withdraw':
        members[action.by].withdraw(action.id, action.seconds);
        withdrawn(action.seconds, [action.id]);
        break;
      case 'withdraw all':
        members[action.by].withdrawAll(action.seconds);
        withdrawn(action.seconds, IDS);
        break;
      case 'clear':
        await common.store.clearScope(SCOPE, 'all', 'operator');
        said.unsure(IDS);
        break;
      case 'restart':
        await members[action.by].restart();
        break;
      case 'cut':
        members[action.by].store.cut();
        break;
      case 'mend':
        members[action.by].store.mend();
        if (action.trimmed && !members[action.by].store.outdated) await members[action.by].store.reset(false);
        break;
      case 'backup':
        backup = await common.content();
        break;
      case 'forget':
        common.forget(action.all ? new Map() : backup);
        break;
      case 'notice':
        if (members[action.by].store.outdated) await members[action.by].store.reset(true);
        break;
      case 'post':
        members[action.by].post();
        break;
      case 'apply':
        members[action.by].apply();
        break;
      default:
        await members[action.by].store.step(action.op);
    }
    await turn();
  }
  await settle(members);
  // Where room is left, what is known of an exporter is there with its first datagram.
  for (const member of members) member.decodesWith(1_000, lastSeconds);
  await settle(members);
  const content = await members[0].inStore();
  if (options.evictionsShared) {
    assert.deepEqual(
      members.map(({ templates }) => templates),
      members.map(() => content),
    );
    return;
  }
  for (const one of said.expected)
    assert.deepEqual(
      content.filter(([id]) => id === one[0]),
      [one],
      'the newest definition is in the store',
    );
  for (const member of members) {
    const inUse = IDS.map((id) => [id, member.decodesWith(id, lastSeconds)]);
    assert.deepEqual(
      inUse.filter(([, length]) => length !== null),
      content,
    );
  }
}

/** Until nothing is under way any more and every member is connected to the store as it is now. */
async function settle(members: readonly Member[]): Promise<void> {
  for (const { store } of members) {
    store.mend();
    if (store.outdated) await store.reset(true);
  }
  for (let moved = true; moved; ) {
    moved = false;
    for (const member of members) {
      // Ends the pause of writes that failed.
      if (member.queued > 0) member.store.mend();
      moved = (await member.settle()) || moved;
    }
  }
}

const variants: [string, MemberOptions][] = [
  ['', {}],
  [', with less room here than in the store', { maxTemplatesPerScope: 2 }],
  [', with evictions that are shared', { maxTemplatesPerScope: 2, evictionsShared: true }],
];
for (const [name, options] of variants)
  test(`over every delay, cut, restart and loss of the store all members end with what it has${name}`, async () => {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), (steps) => history(steps, options)),
      { numRuns: 500, seed },
    );
  });
