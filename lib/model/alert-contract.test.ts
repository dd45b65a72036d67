import { expect, test } from 'vitest';
import { alertContractSchema } from './alert-contract.ts';

const mustFire = { name: 'NodeDown', withinMs: 30_000 };
const base = { heartbeat: 'Watchdog', mustFire: [mustFire], mustNotFire: [] };
const refused = (over: object) =>
  alertContractSchema.safeParse({ ...base, ...over }).error?.issues.map(({ message }) => message) ?? [];

test('what must fire, must be over, and must not fire', () => {
  expect(refused({})).toEqual([]);
  expect(
    refused({
      prometheusReplicasMin: 1,
      mustFire: [{ ...mustFire, labels: { node: 'a' }, from: 'effect', resolvesWithinMs: 1, mayBeHeldBack: true }],
      mustNotFire: [{ name: 'SiteDown' }, { labels: { severity: 'critical' } }],
    }),
  ).toEqual([]);
});

test.each<[string, object, string | RegExp]>([
  ['nothing is claimed', { mustFire: [] }, 'claims nothing'],
  ['any alert must not fire', { mustNotFire: [{}] }, 'wants a name or labels'],
  ['no label is no choice', { mustNotFire: [{ labels: {} }] }, 'wants a name or labels'],
  ['an alert is named twice', { mustFire: [mustFire, { ...mustFire, withinMs: 1 }] }, /twice/],
  ['the heartbeat must not fire', { mustNotFire: [{ name: 'Watchdog' }] }, /heartbeat/],
  ['the heartbeat must fire', { mustFire: [{ ...mustFire, name: 'Watchdog' }] }, /heartbeat/],
  ['a name that is none', { heartbeat: 'a\u001b[2J' }, /wants the name/],
  ['within no time', { mustFire: [{ ...mustFire, withinMs: 0 }] }, />=1/],
  ['the name goes as a label', { mustNotFire: [{ labels: { alertname: 'SiteDown' } }] }, /goes as `name`/],
  ['a word that is not known', { mustFire: [{ ...mustFire, resolveWithinMs: 1 }] }, /resolveWithinMs/],
])('refused: %s', (_what, over, why) => {
  expect(refused(over)).toEqual([expect.stringMatching(why)]);
});
