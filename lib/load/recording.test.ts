import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pointsOf } from '../../tests/fixtures/write-run-folder.ts';
import type { Operation } from '../model/evidence.ts';
import type { LoadEvent } from '../model/load-driver.ts';
import type { Point } from './points.ts';
import { openRecording } from './recording.ts';

const start = Date.UTC(2026, 10, 23, 12);
const stretch = { seconds: 3, busiestSeconds: 2, end: () => undefined };

const operation = (run: string, atMs: number): Operation => ({
  journey: 'barcode-lookup',
  run,
  sentAt: start + atMs,
  durationMs: 20,
  good: true,
  status: 200,
});
const lineOf = (run: string, atMs: number): string =>
  JSON.stringify(pointsOf({ operations: [operation(run, atMs)], drops: [] })[0]);
const dropLine = (atMs: number): string =>
  JSON.stringify(pointsOf({ operations: [], drops: [{ at: start + atMs, journey: 'parts-issue', count: 2 }] })[0]);
const sample = (line: string): Point => ({ kind: 'sample', line });
const iteration = (run: string): readonly Point[] => [
  { kind: 'iteration-time', ms: 22, run },
  { kind: 'iteration', run },
];

function file(): { readonly path: string; readonly open: number } {
  const path = join(mkdtempSync(join(tmpdir(), 'shakedown-recording-')), 'samples.ndjson');
  return { path, open: openSync(path, 'wx') };
}

test('what is kept before there is a file stands in it in order, byte for byte, with what comes later', () => {
  const recording = openRecording(stretch);
  const lines = [lineOf('r-01', 0), dropLine(10), lineOf('r-01', 20)];
  recording.take(lines.slice(0, 2).map(sample));
  const { path, open } = file();
  recording.writeTo(open);
  recording.take([sample(lines[2] as string)]);
  recording.close();
  recording.close();
  expect(readFileSync(path, 'utf8')).toBe(lines.map((line) => `${line}\n`).join(''));
  // Nothing is taken any more.
  recording.take([sample(lineOf('r-01', 30))]);
  expect(readFileSync(path, 'utf8').split('\n').length).toBe(4);
});

test('once it is over, the next run’s operations, iterations and drops are not its own; what was under way is', () => {
  const recording = openRecording(stretch);
  const { path, open } = file();
  recording.writeTo(open);
  recording.take([sample(lineOf('r-01', 0)), ...iteration('r-01')]);
  recording.endAt(start + 1_000, 'r-02');
  recording.take([
    sample(lineOf('r-02', 1_010)),
    ...iteration('r-02'),
    sample(lineOf('r-01', 990)),
    ...iteration('r-01'),
    sample(dropLine(999)),
    sample(dropLine(1_000)),
  ]);
  const events: LoadEvent[] = [];
  recording.listen((event) => events.push(event));
  recording.close();
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toEqual([
    lineOf('r-01', 0),
    lineOf('r-01', 990),
    dropLine(999),
  ]);
  expect(events.map(({ kind }) => kind)).toEqual(['operation', 'operation', 'drop']);
  expect(recording.endedOf('r-01')).toEqual({ operations: 2, iterations: 2 });
  expect(recording.account(2)).toEqual({
    processorSeconds: 3,
    generator: {
      processors: 2,
      busiest: { windowMs: 5_000, processorSeconds: 2 },
      iterations: 2,
      iterationSeconds: 0.044,
    },
  });
});

test('a line that nobody can read is kept and told', () => {
  const recording = openRecording(stretch);
  const { path, open } = file();
  recording.writeTo(open);
  recording.take([sample('{"metric":"operation","type":"Point","data":{}}')]);
  recording.close();
  expect([...recording.troubles]).toEqual([expect.stringContaining("can't be read")]);
  expect(readFileSync(path, 'utf8')).toContain('"metric":"operation"');
});

test('a file that can not be written is told to who gives the points', () => {
  const recording = openRecording(stretch);
  const { open } = file();
  recording.writeTo(open);
  closeSync(open);
  expect(() => recording.take([sample(lineOf('r-01', 0))])).toThrow('EBADF');
});
