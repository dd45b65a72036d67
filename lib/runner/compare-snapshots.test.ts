import { expect, test } from 'vitest';
import { compareSnapshots } from './compare-snapshots.ts';

const before = { 'Deployment erp/web': '{"replicas":2}', 'read_only of galera-0': 'OFF' };

test('the same is clean', () => {
  expect(compareSnapshots(before, { ...before })).toEqual({ is: 'clean', left: [] });
});

test('what differs, is new or is gone is told with its place', () => {
  const after = { 'Deployment erp/web': '{"replicas":3}', 'NetworkPolicy erp/deny': '{}' };
  expect(compareSnapshots(before, after)).toEqual({
    is: 'dirty',
    left: [
      'Deployment erp/web: was {"replicas":2}, is {"replicas":3}',
      'NetworkPolicy erp/deny: was not there before the run',
      'read_only of galera-0: is gone since the run',
    ],
  });
});

test('a place that nobody could look at is neither clean nor dirty', () => {
  expect(compareSnapshots(before, { ...before, 'read_only of galera-0': null })).toEqual({
    is: 'cannot-tell',
    left: ['read_only of galera-0: nobody could look after the run'],
  });
  const blind = { ...before, 'settings of galera-1': null };
  expect(compareSnapshots(blind, { ...blind }).is).toBe('cannot-tell');
});

test('of long texts the place is shown where they part', () => {
  const long = `{"template":"${'x'.repeat(500)}","image":"a"}`;
  const [line = ''] = compareSnapshots({ d: long }, { d: long.replace('"a"', '"b"') }).left;
  expect(line).toContain('"image":"a"');
  expect(line).toContain('"image":"b"');
  expect(line.length).toBeLessThan(400);
});

test('of a target of which no place was looked at nobody can tell', () => {
  expect(compareSnapshots({}, {}).is).toBe('cannot-tell');
});
