import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { outcomesOf, smallRun } from '../../tests/fixtures/evidence.ts';
import { writeManifest, writeRunFolder } from '../../tests/fixtures/write-run-folder.ts';
import { judge } from '../judge/judge.ts';
import { checkManifest, makeManifest } from './manifest.ts';
import { readRunFolder } from './read-run-folder.ts';

const evidence = smallRun();
let folder: string;
const file = (name: string) => join(folder, name);
const manifest = () => JSON.parse(readFileSync(file('manifest.json'), 'utf8'));
const evidenceFiles = ['claim.json', 'journal.ndjson', 'ledger.ndjson', 'prometheus.ndjson', 'samples.ndjson'];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-manifest-'));
  await writeRunFolder(folder, evidence);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function judged() {
  const read = await readRunFolder(folder);
  const verdict = judge(read.claim, read);
  const finding = verdict.findings.find(({ check }) => check === 'run.manifest');
  return { outcome: verdict.outcome, says: finding?.says ?? '', manifest: outcomesOf(verdict, 'run.manifest') };
}

test('it holds size and SHA-256 of every file of evidence, in order of their names', () => {
  expect(manifest().files).toEqual(
    evidenceFiles.map((name) => {
      const bytes = readFileSync(file(name));
      return { file: name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    }),
  );
});

test('evidence that is what it was is as good as ever, wherever it lies', async () => {
  expect(await judged()).toMatchObject({ outcome: 'passed', manifest: ['passed'] });
  const elsewhere = mkdtempSync(join(tmpdir(), 'shakedown-elsewhere-'));
  cpSync(folder, elsewhere, { recursive: true });
  rmSync(folder, { recursive: true });
  folder = elsewhere;
  expect(await judged()).toMatchObject({ outcome: 'passed', manifest: ['passed'] });
});

test.each(evidenceFiles)('one byte changed in %s is found and named, and nothing passes', async (name) => {
  const bytes = readFileSync(file(name));
  // A digit for a digit: it reads as well as before.
  const at = bytes.indexOf('5');
  bytes[at] = 0x36;
  writeFileSync(file(name), bytes);
  const { outcome, says, manifest } = await judged();
  expect(manifest).toEqual(['inconclusive']);
  expect(outcome).not.toBe('passed');
  expect(says).toContain(`${name}: changed`);
});

test.each(evidenceFiles.filter((name) => name !== 'claim.json'))('without %s nothing passes', async (name) => {
  rmSync(file(name));
  const { outcome, says } = await judged();
  expect(outcome).not.toBe('passed');
  expect(says).toContain(`${name}: missing, and in the manifest`);
});

test('a whole line that is cut off is found, though every line that is left reads well', async () => {
  const lines = readFileSync(file('samples.ndjson'), 'utf8').split('\n');
  writeFileSync(file('samples.ndjson'), `${lines.slice(0, -2).join('\n')}\n`);
  expect(await judged()).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('samples.ndjson') });
});

test('a file that came later is found', async () => {
  writeFileSync(file('ledger-2.ndjson'), '');
  expect(await judged()).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('ledger-2.ndjson: not in the manifest'),
  });
});

test('what is made of evidence, and the log of a k6 that goes on, are none', async () => {
  for (const name of ['verdict.json', 'run.json', 'k6.log']) writeFileSync(file(name), 'anything');
  expect(await judged()).toMatchObject({ outcome: 'passed' });
});

test('without a manifest nobody knows whether the evidence is what it was', async () => {
  rmSync(file('manifest.json'));
  expect(await judged()).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('never closed') });
});

test('a manifest that is cut off anywhere is none', async () => {
  const { size } = statSync(file('manifest.json'));
  // The last byte is the line feed.
  for (const length of [size - 2, Math.floor(size / 2), 1, 0]) {
    truncateSync(file('manifest.json'), length);
    expect(await judged()).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('cut off') });
  }
});

test.each<[string, (manifest: Record<string, unknown>) => unknown]>([
  ['is a list', () => []],
  ['is null', () => null],
  ['has a hash that is none', (all) => ({ ...all, files: [{ file: 'claim.json', bytes: 1, sha256: 'x' }] })],
  ['names files elsewhere', (all) => ({ ...all, files: [{ file: '../x', bytes: 1, sha256: 'a'.repeat(64) }] })],
  ['says more than it should', (all) => ({ ...all, trust: true })],
])('a manifest that %s is none', async (_what, change) => {
  writeFileSync(file('manifest.json'), JSON.stringify(change(manifest())));
  expect(await judged()).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('no manifest') });
});

test('a manifest that leaves a file out does not hide it', async () => {
  const { files, ...rest } = manifest();
  writeFileSync(file('manifest.json'), JSON.stringify({ ...rest, files: files.slice(1) }));
  expect(await judged()).toMatchObject({ says: expect.stringContaining('claim.json: not in the manifest') });
});

test('a failure stays one when its evidence was touched', async () => {
  const lines = readFileSync(file('ledger.ndjson'), 'utf8').split('\n');
  writeFileSync(file('ledger.ndjson'), lines.filter((line) => !line.includes('-receipt-9"')).join('\n'));
  expect(await judged()).toMatchObject({ outcome: 'failed', manifest: ['inconclusive'] });
});

test('a manifest of another version is refused: nothing else is looked at', async () => {
  writeFileSync(file('manifest.json'), JSON.stringify({ ...manifest(), schema: 'shakedown.manifest/2' }));
  const read = await readRunFolder(folder);
  expect(read.journal).toEqual([]);
  const verdict = judge(read.claim, read);
  expect(verdict.outcome).toBe('inconclusive');
  expect(verdict.findings.map(({ check }) => check)).toEqual(['run.version']);
});

test('what it needs of memory does not grow with the files', async () => {
  const big = await open(file('samples.ndjson'), 'w');
  await big.truncate(128 * 2 ** 20);
  await big.close();
  await writeManifest(folder);
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 5);
  expect((await checkManifest(folder)).problems).toEqual([]);
  clearInterval(watch);
  expect((most - before) / 2 ** 20).toBeLessThan(64);
});

test('a folder that is not there has no manifest, and that is told', async () => {
  expect(await checkManifest(file('nowhere'))).toMatchObject({ files: 0, problems: [{ file: 'manifest.json' }] });
});

test('each run is chained to the one before: of its gate, or the last of the gate before', async () => {
  const runs = join(folder, 'runs');
  const close = async (gate: string, name: string, closedAt: number) => {
    mkdirSync(join(runs, gate, name), { recursive: true });
    const path = join(runs, gate, name);
    writeFileSync(join(path, 'journal.ndjson'), '');
    const about = { scenario: name, runId: name, seed: 1, commit: 'c', versions: {}, judgeVersion: 1, closedAt };
    const made = await makeManifest(path, about);
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(made));
    return made.previous;
  };
  const hashOf = (gate: string, name: string) =>
    createHash('sha256')
      .update(readFileSync(join(runs, gate, name, 'manifest.json')))
      .digest('hex');
  const [first, second] = ['20261123-010000-gate', '20261124-010000-gate'];
  expect(await close(first, 'control', 10)).toBe(null);
  expect(await close(first, 'b', 20)).toEqual({
    runId: 'control',
    folder: 'control',
    sha256: hashOf(first, 'control'),
  });
  expect(await close(first, 'a', 30)).toEqual({ runId: 'b', folder: 'b', sha256: hashOf(first, 'b') });
  mkdirSync(join(runs, '20261123-020000-gate/killed'), { recursive: true });
  expect(await close(second, 'control', 40)).toEqual({
    runId: 'a',
    gate: first,
    folder: 'a',
    sha256: hashOf(first, 'a'),
  });
  expect(await close('somewhere-else', 'alone', 50)).toBe(null);
});
