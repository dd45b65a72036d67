import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { alertEvidence, known, lookAt } from '../../tests/fixtures/alerts.ts';
import { lostWrites } from '../../tests/fixtures/lost-writes.ts';
import { writeManifest, writeRunFolder } from '../../tests/fixtures/write-run-folder.ts';
import { judge } from '../judge/judge.ts';
import { verdictJson } from '../judge/verdict-json.ts';
import { readRunFolder, readRunTables } from './read-run-folder.ts';

let folder: string;
const file = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-evidence-'));
  await writeRunFolder(folder, lostWrites());
});
afterEach(() => rmSync(folder, { recursive: true }));

test('a whole folder is read as it was written', async () => {
  expect(await readRunFolder(folder)).toEqual(lostWrites());
});

test('a file that was cut off in the middle of a line is read up to there, and told', async () => {
  const samples = file('samples.ndjson');
  truncateSync(samples, statSync(samples).size - 40);
  const evidence = await readRunFolder(folder);
  expect(evidence.operations.length).toBe(lostWrites().operations.length - 1);
  expect(evidence.damaged).toEqual([{ file: 'samples.ndjson', what: expect.stringMatching(/^cut off in line \d+$/) }]);
});

test('missing files are told, each by name', async () => {
  rmSync(file('ledger.ndjson'));
  rmSync(file('prometheus.ndjson'));
  const evidence = await readRunFolder(folder);
  expect(evidence.ledger).toEqual([]);
  expect(evidence.damaged).toEqual([
    { file: 'ledger.ndjson', what: 'missing' },
    { file: 'prometheus.ndjson', what: 'missing' },
  ]);
});

test('a line of a kind that nobody knows is told, and the lines around it are kept', async () => {
  const before = await readRunFolder(folder);
  appendFileSync(
    file('journal.ndjson'),
    '{"at":1,"mono":2,"kind":"hunch"}\n{"at":1,"mono":2,"kind":"note","text":"x"}\n',
  );
  const evidence = await readRunFolder(folder);
  expect(evidence.journal).toHaveLength(before.journal.length + 1);
  expect(evidence.damaged).toEqual([{ file: 'journal.ndjson', what: expect.stringContaining('hunch') }]);
});

test('what was read of background jobs is kept', async () => {
  const before = await readRunFolder(folder);
  const lines = [
    { kind: 'job-rows', rows: { node: 'galera-0', marker: 'r-1', document: 'D1', jobs: ['a'] } },
    { kind: 'queued-job', queued: { document: 'D2', job: 'b', state: 'failed' } },
    { kind: 'jobs-read', of: 'queue', from: 'queue-0', documentsOf: 1, at: 2 },
  ];
  appendFileSync(file('ledger.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const evidence = await readRunFolder(folder);
  expect(evidence.ledger.slice(before.ledger.length)).toEqual(lines);
  expect(evidence.damaged).toEqual([]);
});

test('alerts and what Alertmanager made of them are read as they were written, and judged alike', async () => {
  const firing = { name: 'NodeDown', fromMs: 14_000, toMs: 38_000 };
  const evidence = alertEvidence({ 'prometheus-0': { firing: [firing] } }, [lookAt(20_000, [known('NodeDown')])]);
  const own = join(folder, 'alerts');
  await writeRunFolder(own, evidence);
  const read = await readRunFolder(own);
  expect(read.ranges).toEqual(evidence.ranges);
  expect(judge(read.claim, read)).toEqual(judge(evidence.claim, evidence));
});

test('a claim whose alerts have another shape is refused, and says where', async () => {
  const claim = JSON.parse(readFileSync(file('claim.json'), 'utf8'));
  writeFileSync(file('claim.json'), JSON.stringify({ ...claim, alerts: { heartbeat: 'Watchdog', mustFire: 'all' } }));
  await expect(readRunFolder(folder)).rejects.toThrow(/claim\.json.*alerts\.mustFire/);
});

test('hundreds of bad lines are told as a number, not one by one', async () => {
  appendFileSync(file('samples.ndjson'), 'nonsense\n'.repeat(300));
  const { damaged } = await readRunFolder(folder);
  expect(damaged).toHaveLength(6);
  expect(damaged.at(-1)?.what).toMatch(/^300 lines can't be read/);
});

test('a write that was sent and of which nothing more was heard is unknown', async () => {
  const samples = readFileSync(file('samples.ndjson'), 'utf8').split('\n');
  const answered = samples.findIndex((line) => line.includes('"operation"') && line.includes('acknowledged'));
  const marker = JSON.parse(samples[answered] ?? '').data.metadata.marker;
  writeFileSync(file('samples.ndjson'), samples.filter((_, index) => index !== answered).join('\n'));
  const evidence = await readRunFolder(folder);
  const operation = evidence.operations.find(({ write }) => write?.marker === marker);
  expect(operation).toMatchObject({ write: { outcome: 'unknown' }, good: false });
  expect(operation?.durationMs).toBeUndefined();
  expect(evidence.damaged).toEqual([]);
});

test('without a claim nothing can be judged, and the error says which file', async () => {
  rmSync(file('claim.json'));
  await expect(readRunFolder(folder)).rejects.toThrow(
    /claim\.json: can't be read as a claim: .*Next: is this a run folder, and whole\?/,
  );
});

test('characters that are cut between two chunks stay whole', async () => {
  const note = `${JSON.stringify({ at: 1, mono: 1, kind: 'note', text: 'ü'.repeat(700_001) })}\n`;
  appendFileSync(file('journal.ndjson'), note);
  const last = (await readRunFolder(folder)).journal.at(-1);
  expect(last?.kind === 'note' && last.text).toBe('ü'.repeat(700_001));
});

test('the synthetic run is small enough to be looked into by hand', () => {
  const bytes = readdirSync(folder).reduce((sum, name) => sum + statSync(file(name)).size, 0);
  expect(bytes).toBeLessThan(300_000);
});

/** The verdict of the files, however they are read. */
async function verdict(): Promise<string> {
  const tables = await readRunTables(folder);
  const bytes = verdictJson(judge(tables.claim, tables));
  const evidence = await readRunFolder(folder);
  expect(verdictJson(judge(evidence.claim, evidence))).toBe(bytes);
  return bytes;
}

/** Rewrites the lines of a file. */
function rewrite(name: string, change: (lines: readonly string[]) => readonly string[]): void {
  const lines = readFileSync(file(name), 'utf8').split('\n').slice(0, -1);
  writeFileSync(
    file(name),
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

const shuffled = (lines: readonly string[]): readonly string[] =>
  lines
    .map((line, index) => ({ line, by: (Math.imul(index + 1, 0x9e3779b1) >>> 0) / 2 ** 32 }))
    .sort((a, b) => a.by - b.by)
    .map(({ line }) => line);

test('columns are judged to the same bytes as objects, and the order of lines in a file decides nothing', async () => {
  const bytes = await verdict();
  const evidence = lostWrites();
  expect(verdictJson(judge(evidence.claim, evidence))).toBe(bytes);
  for (const name of ['samples.ndjson', 'ledger.ndjson', 'prometheus.ndjson']) rewrite(name, shuffled);
  await writeManifest(folder);
  expect(await verdict()).toBe(bytes);
});

test('documents that are written in another shape are the same documents', async () => {
  const bytes = await verdict();
  rewrite('ledger.ndjson', (lines) =>
    lines.map((line, index) => {
      const { kind, ...rest } = JSON.parse(line);
      if (index % 3 === 0) return JSON.stringify({ ...rest, kind });
      return index % 3 === 1 ? line.replace('"round":0', '"round":0e0') : line;
    }),
  );
  await writeManifest(folder);
  expect(await verdict()).toBe(bytes);
});

test.each([
  ['cut into one another', (a: string, b: string) => [a.slice(0, 90) + b, a.slice(90)]],
  ['with a NUL byte in them', (a: string, b: string) => [a.replace('"time"', '"ti\0me"'), b]],
  ['half written', (a: string, b: string) => [a, b.slice(0, -30)]],
])('samples %s make the run inconclusive at best, and are told with their place', async (_, spoil) => {
  rewrite('samples.ndjson', ([a = '', b = '', ...rest]) => [...spoil(a, b), ...rest]);
  const { damaged } = await readRunTables(folder);
  expect(damaged.length).toBeGreaterThan(0);
  expect(damaged[0]?.what).toMatch(/^line [12], byte \d+: /);
  const evidence = await readRunFolder(folder);
  expect(evidence.damaged).toEqual(damaged);
  expect(JSON.parse(await verdict()).findings).toContainEqual(
    expect.objectContaining({ check: 'run.files', outcome: 'inconclusive' }),
  );
});

test('a document without its lines, or of a line that is too long, is damage of the ledger', async () => {
  rewrite('ledger.ndjson', (lines) => [
    ...lines,
    '{"kind":"document","document":{"node":"galera-0"}}',
    `{"kind":"document","document":{"node":"${'x'.repeat(1_100_000)}"}}`,
  ]);
  const { damaged } = await readRunTables(folder);
  expect(damaged.map(({ file, what }) => `${file}: ${what.replace(/\d{5,}/g, 'many')}`).sort()).toEqual([
    expect.stringMatching(/^ledger\.ndjson: line \d+, byte many: not understood: /),
    expect.stringMatching(
      /^ledger\.ndjson: line \d+, byte many: many bytes without a line feed, at most many are read$/,
    ),
  ]);
});

test('a name that is no UTF-8 is damage: with replaced letters it would be another name', async () => {
  const whole = readFileSync(file('samples.ndjson'));
  const at = whole.indexOf('Stores') + 2;
  whole[at] = 0xff;
  writeFileSync(file('samples.ndjson'), whole);
  expect((await readRunTables(folder)).damaged).toEqual([
    { file: 'samples.ndjson', what: expect.stringMatching(/: it is not UTF-8$/) },
  ]);
});
