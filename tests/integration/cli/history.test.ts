// A gate is compared with those that lie in a folder, by the real command line and from files alone.
import { readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { claimOf, evidenceOf, start } from '../../fixtures/evidence.ts';
import { writeGate } from '../../fixtures/write-gate.ts';
import { writeRunFolder } from '../../fixtures/write-run-folder.ts';
import { scratchFolder, shakedownIn } from './command.ts';

let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Returns the folder of the last one, whose evidence is whole: a report is never better than that. */
async function nightsOf(p95Ms: readonly number[]): Promise<string> {
  let last = '';
  for (const [night, ms] of p95Ms.entries())
    last = await writeGate(join(folder, 'runs'), { startedAt: start + night * 86_400_000, p95Ms: ms });
  await writeRunFolder(join(last, claimOf().name), evidenceOf(claimOf()));
  return last;
}

it('a report tells that three nights are worse than those before, and leaves readiness.json as it is', async () => {
  const gate = await nightsOf([40, 41, 42, 43, 44, 45, 46, 80, 81, 82]);
  const before = await readFile(join(gate, 'readiness.json'));
  const ran = await shakedownIn(folder, ['report', gate, '--compare', 'runs']);
  expect(ran).toMatchObject({ code: 0 });
  const summary = await readFile(join(gate, 'summary.md'), 'utf8');
  expect(summary).toContain('Compared with 9 earlier gates: of 3 figures, 1 worse');
  expect(summary).toMatch(/\*\*Worse\*\* .*81 ms in the newest 3 gates, 43 ms in the 7 before/);
  expect(await readFile(join(gate, 'readiness.html'), 'utf8')).toContain('1 figure is worse than in earlier gates');
  expect(await readFile(join(gate, 'readiness.json'))).toEqual(before);
});

it('its twin: one earlier gate that is cut off is one too few to tell, and the page counts it', async () => {
  const gate = await nightsOf([40, 41, 42, 43, 44, 45, 46, 80, 81, 82]);
  await truncate(join(folder, 'runs', '20261124-013000-gate', 'readiness.json'), 100);
  await shakedownIn(folder, ['report', gate, '--compare', 'runs']);
  const page = await readFile(join(gate, 'readiness.html'), 'utf8');
  expect(page).toContain('That is insufficient history');
  expect(page).toContain('1 gate: readiness.json cut off, or no JSON');
});

it('without being asked, a report shows what the gate itself compared: here nothing', async () => {
  const gate = await nightsOf(Array(10).fill(40));
  await shakedownIn(folder, ['report', gate]);
  expect(await readFile(join(gate, 'summary.md'), 'utf8')).not.toContain('Compared with');
});
