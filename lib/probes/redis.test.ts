import { expect, test } from 'vitest';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { fakeTarget } from '../../tests/fakes/run.ts';
import type { Redis } from '../model/reach.ts';
import { type Target, targetSchema } from '../model/target.ts';
import { readRedis, redisInWords, redisMasters, redisProblems } from './redis.ts';

const tier = (name: string) => ({ namespace: 'erp', selector: `name=${name}`, replicasMin: 3 });
const target: Target = targetSchema.parse({
  ...fakeTarget,
  redis: {
    cache: tier('cache'),
    queue: tier('queue'),
    sentinel: { ...tier('sentinel'), masters: { cache: 'cache', queue: 'queue' } },
  },
});

const follows = ['h', '6379', '0'];
const master = ['master', 7, [follows, follows]];
const replica = ['slave', 'h', 6379, 'connected', 7];

/** Two groups of three with their three Sentinels; an Error is thrown. */
function world(changes: Readonly<Record<string, unknown>> = {}): Redis {
  const answers: Record<string, unknown> = {};
  for (const group of ['cache', 'queue']) {
    for (const n of [0, 1, 2]) {
      answers[`${group}-${n} ROLE`] = n === 0 ? master : replica;
      answers[`sentinel-${n} get-master-addr-by-name ${group}`] = [`${group}-0`, '6379'];
      answers[`sentinel-${n} CKQUORUM ${group}`] = 'OK 3 usable Sentinels';
    }
  }
  Object.assign(answers, changes);
  return {
    groups: ['cache', 'queue', 'sentinel'],
    nodes: async (group) => [0, 1, 2].map((n) => `${group}-${n}`).filter((node) => changes[node] !== null),
    async ask(_group, node, command) {
      const answer = answers[[node, ...command].join(' ').replace('SENTINEL ', '')];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
}

const problems = async (changes?: Readonly<Record<string, unknown>>) =>
  redisProblems(await readRedis(world(changes), target), target);

test('two groups with their Sentinels are whole', async () => {
  expect(await problems()).toEqual([]);
  expect(redisInWords(await readRedis(world(), target))).toBe(
    'cache: master cache-0 of 3; queue: master queue-0 of 3; 3 Sentinels',
  );
});

test.each<[string, Record<string, unknown>, string]>([
  ['a second master', { 'queue-2 ROLE': ['master', 7, []] }, 'queue: 2 masters (queue-0, queue-2), wanted 1'],
  ['no master', { 'cache-0 ROLE': replica }, 'cache: 0 masters, wanted 1'],
  [
    'a replica whose link is down',
    { 'cache-1 ROLE': ['slave', 'h', 6379, 'connect', 0] },
    'cache-1: not connected to its master',
  ],
  ['a master that fewer follow', { 'cache-0 ROLE': ['master', 7, [follows]] }, 'cache-0: 1 replicas follow, wanted 2'],
  ['a node that is gone', { 'queue-1': null }, 'queue: 2 nodes, wanted 3'],
  ['a node that does not answer', { 'queue-1 ROLE': new Error('no answer') }, 'queue-1: no answer'],
  [
    'a Sentinel that names another master',
    { 'sentinel-1 get-master-addr-by-name queue': ['queue-2', '6379'] },
    'queue: the Sentinels name queue-0:6379 and queue-2:6379',
  ],
  [
    'a Sentinel that knows no such group',
    { 'sentinel-1 get-master-addr-by-name queue': null },
    'sentinel-1: knows no group queue',
  ],
  [
    'no quorum',
    { 'sentinel-0 CKQUORUM cache': new Error('NOQUORUM 1 usable Sentinels') },
    'sentinel-0: NOQUORUM 1 usable Sentinels',
  ],
  ['a Sentinel that is gone', { 'sentinel-2': null }, '2 Sentinels, wanted 3'],
])('%s is told', async (_what, changes, says) => {
  expect(await problems(changes)).toContain(says);
});

test('masters are counted on every node, and a silent one makes a gap, never a number', async () => {
  const read = async (changes?: Readonly<Record<string, unknown>>) =>
    redisMasters('cache').read(fakeReach({ target, redis: world(changes) }));
  expect(await read()).toMatchObject({ value: 1, seen: 'cache-0' });
  expect(await read({ 'cache-2 ROLE': master })).toMatchObject({ value: 2, seen: 'cache-0, cache-2' });
  expect(await read({ 'cache-0 ROLE': replica })).toMatchObject({ value: 0 });
  expect(await read({ 'cache-2 ROLE': new Error('timed out') })).toMatchObject({ missing: 'cache-2: timed out' });
  expect(await read({ 'cache-0': null, 'cache-1': null, 'cache-2': null })).toMatchObject({
    missing: expect.stringContaining('no node'),
  });
});
