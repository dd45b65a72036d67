// Seeds every defect that the lab tier of the self-test has: `npm test -- selftest`.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { labDefects } from '../../selftest/lab/defects.ts';
import { nameOf } from '../../selftest/lab/run-lab-selftest.ts';
import { shakedown } from '../lab/shakedown.ts';

const scratch = await mkdtemp(join(tmpdir(), 'shakedown-selftest-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));

it('each is caught by its own check, and is gone afterwards', async () => {
  const ran = await shakedown('selftest', '--tier', 'lab', '--json', '--runs', scratch);
  const { caught, missed, falseAlarms, left } = JSON.parse(ran.stdout);
  expect({ missed, falseAlarms, left }, ran.stderr).toEqual({ missed: [], falseAlarms: [], left: [] });
  expect(caught.sort()).toEqual(labDefects.map(nameOf).sort());
  expect(ran.code).toBe(0);
});
