// Defects seeded into the running lab, each by its own check: two that take least time. `npm test -- selftest` seeds them all.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { shakedown } from './shakedown.ts';

const scratch = await mkdtemp(join(tmpdir(), 'shakedown-selftest-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));

it('an app that books twice and one that shows stale stock are caught, each by its own check', async () => {
  const some = ['app/books-lines-twice', 'app/serves-stale-stock'];
  const ran = await shakedown('selftest', '--tier', 'lab', '--json', '--runs', scratch, '--only', ...some);
  const { tier, caught, missed, falseAlarms, left } = JSON.parse(ran.stdout);
  expect({ tier, missed, falseAlarms, left }, ran.stderr).toEqual({
    tier: 'lab',
    missed: [],
    falseAlarms: [],
    left: [],
  });
  expect(caught.sort()).toEqual([...some].sort());
  expect(ran.code).toBe(0);
});
