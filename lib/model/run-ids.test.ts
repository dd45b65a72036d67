import { expect, test } from 'vitest';
import { isMarkerOf, runIdOf, sessionOf } from './run-ids.ts';

test('a run’s id tells its session and its number, and no id begins another one’s markers', () => {
  expect(runIdOf('rmx0', 2)).toBe('rmx0-02');
  expect(sessionOf('rmx0-02')).toEqual({ session: 'rmx0', number: 2 });
  expect(sessionOf(runIdOf('rmx0', 112))).toEqual({ session: 'rmx0', number: 112 });
  expect(isMarkerOf(runIdOf('rmx0', 1), `${runIdOf('rmx0', 10)}-issue-1`)).toBe(false);
  expect(isMarkerOf(runIdOf('rmx0', 11), `${runIdOf('rmx0', 110)}-issue-1`)).toBe(false);
  expect(isMarkerOf(runIdOf('rmx0', 10), `${runIdOf('rmx0', 10)}-issue-1`)).toBe(true);
});

test('an id from before there were sessions is of none', () => {
  expect(sessionOf('rmx0c2r0a')).toBeUndefined();
  expect(sessionOf('rtest')).toBeUndefined();
});
