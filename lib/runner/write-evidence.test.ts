import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openLines } from './write-evidence.ts';

test('lines that come one after the other are all there, in their order, behind what was there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shakedown-lines-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ledger.ndjson');
  const all: unknown[] = [];
  for (const round of [0, 1]) {
    const lines = openLines(file);
    await lines.append([]);
    for (let part = 0; part < 60; part++) {
      const some = Array.from({ length: 100 }, (_, number) => ({ round, part, number, text: 'x'.repeat(500) }));
      all.push(...some);
      await lines.append(some);
    }
    await lines.close();
  }
  const read = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(read.map((line) => JSON.parse(line))).toEqual(all);
});

test('a disk that is full is told to whoever goes on writing, and to whoever closes', async () => {
  const lines = openLines('/dev/full');
  const fill = async () => {
    for (let part = 0; part < 100; part++) await lines.append([{ text: 'x'.repeat(100_000) }]);
  };
  await expect(fill()).rejects.toThrow('ENOSPC');
  await expect(lines.close()).rejects.toThrow('ENOSPC');
});
