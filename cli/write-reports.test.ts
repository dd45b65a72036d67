import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { smallRun } from '../tests/fixtures/evidence.ts';
import { gateOf } from '../tests/fixtures/readiness.ts';
import { writeRunFolder } from '../tests/fixtures/write-run-folder.ts';
import { writeReports } from './write-reports.ts';

let gate: string;
const { readiness } = gateOf([smallRun()]);
const run = () => join(gate, readiness.runs[0]?.folder ?? '');

beforeEach(async () => {
  gate = await mkdtemp(join(tmpdir(), 'shakedown-gate-'));
  await writeRunFolder(run(), smallRun());
});
afterEach(() => rm(gate, { recursive: true }));

test('reports of whole evidence tell what was recorded', async () => {
  const told = await writeReports(gate, readiness);
  expect(told).toMatchObject({ readiness: { outcome: 'passed', exitCode: 0 }, lowered: [] });
});

test('a line that came after a run was closed lowers the answer and the exit code, not the page alone', async () => {
  await appendFile(join(run(), 'samples.ndjson'), '{"metric":"late"}\n');
  const told = await writeReports(gate, readiness);
  expect(told.readiness).toMatchObject({ outcome: 'inconclusive', exitCode: 2 });
  expect(told.lowered[0]).toContain('samples.ndjson');
  expect(await readFile(told.page, 'utf8')).toContain('INCONCLUSIVE');
});
