import { expect, test } from 'vitest';
import { type K6Exit, problemOf } from './exit-codes.ts';

const asAsked: K6Exit = {
  exitCode: 105,
  asked: true,
  iterations: 10,
  operations: 10,
  iterationsFailed: 0,
  troubles: [],
};

test.each<[string, Partial<K6Exit>]>([
  ['interrupted by us', {}],
  ['its time was up', { exitCode: 0, asked: false }],
  ['answered in the instant in which it was interrupted', { operations: 11 }],
])('no problem: %s', (_, change) => {
  expect(problemOf({ ...asAsked, ...change })).toBe('');
});

test.each<[string, Partial<K6Exit>, string]>([
  ['interrupted, not by us', { asked: false }, 'k6 was interrupted by somebody else (exit code 105)'],
  ['bad options', { exitCode: 104 }, 'k6 did not take its options: see k6.log (exit code 104)'],
  ['script exception', { exitCode: 107 }, 'k6 could not load its script'],
  ['aborted by the script', { exitCode: 108 }, 'k6 ended itself'],
  ['panic', { exitCode: 109 }, 'k6 panicked'],
  ['a code of the future', { exitCode: 42 }, 'for a reason that we do not know (exit code 42)'],
  ['killed', { exitCode: null, signal: 'SIGKILL' }, 'k6 was killed by SIGKILL, not by us'],
  [
    'killed by us',
    { exitCode: null, signal: 'SIGKILL', killedAfterMs: 10_000 },
    'did not end within 10000 ms of SIGINT',
  ],
  ['thrown', { iterationsFailed: 3 }, "the load's own code threw in 3 iterations"],
  ['thrown and not caught', { operations: 8 }, 'k6 counts 10 iterations, but only 8 operations are on record'],
  ['a full disk', { troubles: ['samples.ndjson could not be written: ENOSPC'] }, 'ENOSPC'],
])('a problem: %s', (_, change, problem) => {
  expect(problemOf({ ...asAsked, ...change })).toContain(problem);
});

test('several problems are all told', () => {
  expect(problemOf({ ...asAsked, exitCode: 109, operations: 1, troubles: ['x'] }).split('; ').length).toBe(3);
});
