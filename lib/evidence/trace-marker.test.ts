import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { evidenceOf } from '../../tests/fixtures/evidence.ts';
import { writeRunFolder } from '../../tests/fixtures/write-run-folder.ts';
import { eachMarker, headerOf, traceMarker } from './trace-marker.ts';

let folder: string;
const evidence = evidenceOf();
const marker = 'rsynthetic-issue-9';
const operation = evidence.operations.find(({ write }) => write?.marker === marker);
const file = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-trace-'));
  await writeRunFolder(folder, evidence);
});
afterEach(() => rmSync(folder, { recursive: true }));

const changeSamples = (change: (line: string) => string | undefined) =>
  writeFileSync(
    file('samples.ndjson'),
    readFileSync(file('samples.ndjson'), 'utf8')
      .split('\n')
      .flatMap((line) => change(line) ?? [])
      .join('\n'),
  );

test('of one marker comes its sending, its documents on each member, and the stock of its items alone', async () => {
  const { writes, ledger, damaged } = await traceMarker(folder, marker);
  expect(writes).toEqual([{ ...operation, exchanges: [] }]);
  const documents = ledger.flatMap((line) => (line.kind === 'document' ? [line.document] : []));
  expect(documents.map(({ node, marker }) => [node, marker])).toEqual(
    ['galera-0', 'galera-1', 'galera-2'].map((node) => [node, marker]),
  );
  const items = new Set(ledger.flatMap((line) => (line.kind === 'stock' ? [line.level.item] : [])));
  expect([...items].sort()).toEqual([...new Set(operation?.write?.lines.map(({ item }) => item))].sort());
  expect(ledger.filter(({ kind }) => kind === 'read')).toHaveLength(9);
  expect(damaged).toEqual([]);
});

test('a marker that is the beginning of others is not taken for them', async () => {
  const { writes } = await traceMarker(folder, 'rsynthetic-issue-1');
  expect(writes.map(({ write }) => write.marker)).toEqual(['rsynthetic-issue-1']);
});

test('what everybody else did within a second is counted as it was sent, whenever it was answered', async () => {
  const { around } = await traceMarker(folder, marker);
  const at = operation?.sentAt ?? 0;
  const wanted = evidence.operations.filter(
    (one) => Math.abs(one.sentAt - at) <= 1_000 && one.write?.marker !== marker,
  );
  expect(around.length).toBe(wanted.length);
  expect(around.filter(({ good }) => good)).toHaveLength(wanted.filter(({ good }) => good).length);
});

test('who wrote it and which way it went is read from its sample', async () => {
  changeSamples((line) =>
    line.includes(`"${marker}"`)
      ? line.replace(
          '"marker"',
          '"technician":"6","user":"technician-07","virtualUser":"12","error":"EOF","exchanges":"POST 200 1795397400080 32 web-1 galera-1 kept 198.18.0.3:443","marker"',
        )
      : line,
  );
  const { writes } = await traceMarker(folder, marker);
  expect(writes).toMatchObject([
    {
      technician: 6,
      user: 'technician-07',
      virtualUser: 12,
      error: 'EOF',
      exchanges: [{ servedBy: 'web-1', member: 'galera-1', connection: 'kept', remote: '198.18.0.3:443' }],
    },
  ]);
});

test('a write of which only the sending is on record is unknown and has no end', async () => {
  changeSamples((line) => (line.includes(`"${marker}"`) && line.includes('"operation"') ? undefined : line));
  const { writes } = await traceMarker(folder, marker);
  expect(writes).toMatchObject([{ status: 0, write: { outcome: 'unknown' } }]);
  expect(writes[0]?.durationMs).toBeUndefined();
});

test('a name that another write bears now is told', async () => {
  const document = {
    node: 'galera-0',
    round: 0,
    at: 1,
    marker: 'rsynthetic-issue-99',
    name: 'X',
    docstatus: 1,
    lines: [],
  };
  const name = operation?.write?.document;
  appendFileSync(file('ledger.ndjson'), `${JSON.stringify({ kind: 'document', document: { ...document, name } })}\n`);
  const { namesakes } = await traceMarker(folder, marker);
  expect(namesakes).toMatchObject([{ marker: 'rsynthetic-issue-99', name }]);
});

test('a folder that is cut off or lacks a file says so, and the rest is found', async () => {
  truncateSync(file('samples.ndjson'), readFileSync(file('samples.ndjson')).length - 40);
  rmSync(file('prometheus.ndjson'));
  const { writes, damaged } = await traceMarker(folder, marker);
  expect(writes).toHaveLength(1);
  expect(damaged).toEqual([
    { file: 'samples.ndjson', what: 'cut off in its last line' },
    { file: 'prometheus.ndjson', what: 'missing' },
  ]);
});

test('a marker that nobody sent has no trace, whatever characters it is made of', async () => {
  for (const hostile of ['rsynthetic-issue-9999', '"', '\\', '","marker":"', '☃', '__proto__', '.*']) {
    const { writes, ledger } = await traceMarker(folder, hostile);
    expect(writes).toEqual([]);
    expect(ledger.some(({ kind }) => kind === 'document')).toBe(false);
  }
});

test('a folder tells whose run it is, and every marker that was sent', async () => {
  expect((await headerOf(folder))?.runId).toBe('rsynthetic');
  const markers = new Set<string>();
  await eachMarker(folder, (one) => markers.add(one));
  expect(markers.size).toBe(evidence.operations.filter(({ write }) => write).length);
  writeFileSync(file('journal.ndjson'), '');
  expect(await headerOf(folder)).toBeUndefined();
});
