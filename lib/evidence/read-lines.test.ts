import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readLines, textOf } from './read-lines.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-lines-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function read(bytes: Buffer | string, maxBytes = 1_000_000) {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  const lines: string[] = [];
  const bad: string[] = [];
  const end = await readLines(
    path,
    {
      line: (bytes, from, to) => lines.push(textOf(bytes, from, to)),
      bad: (what, number, at) => bad.push(`line ${number}, byte ${at}: ${what}`),
    },
    maxBytes,
  );
  return { texts: lines, bad, ...end };
}

test('lines come one by one, also those that lie across two reads', async () => {
  const lines = Array.from({ length: 3_000 }, (_, index) => 'ü'.repeat(index % 700));
  expect(await read(`${lines.join('\n')}\n`)).toEqual({ texts: lines, lines: 3_000, bad: [], cutOff: false });
});

test('a line that is longer than a read is whole', async () => {
  const long = 'x'.repeat(900_001);
  const seen: string[] = [];
  const path = join(folder, 'file');
  writeFileSync(path, `a\n${long}\nb\n`);
  const reader = {
    line: (bytes: Buffer, from: number, to: number) => seen.push(textOf(bytes, from, to)),
    bad: () => expect.unreachable(),
  };
  await readLines(path, reader, 1_000_000);
  expect(seen).toEqual(['a', long, 'b']);
});

test('a file without a last line feed is cut off; an empty one is not', async () => {
  expect(await read('a\nb')).toMatchObject({ lines: 1, cutOff: true });
  expect(await read('')).toMatchObject({ lines: 0, cutOff: false });
});

test('bytes that are no UTF-8 are told with their place, and the lines around them are kept', async () => {
  const { bad, texts } = await read(Buffer.from([0x61, 0x0a, 0xff, 0xfe, 0x0a, 0x62, 0x0a]));
  expect(bad).toEqual(['line 2, byte 2: it is not UTF-8']);
  expect(texts).toEqual(['a', 'b']);
});

test('a line that is too long is told with its size and place, and the next one is read', async () => {
  const { bad, texts } = await read(`a\n${'x'.repeat(2_000_000)}\nb\n`);
  expect(texts).toEqual(['a', 'b']);
  expect(bad).toEqual(['line 2, byte 2: 2000000 bytes without a line feed, at most 1000000 are read']);
  expect((await read(`a\n${'x'.repeat(2_000_000)}`)).bad).toEqual([
    'line 2, byte 2: 2000000 bytes without a line feed, at most 1000000 are read',
  ]);
});

test('a gigabyte without a line feed is passed over without being held', async () => {
  const path = join(folder, 'file');
  const file = await open(path, 'w');
  await file.write('a\n', 0);
  // A hole: it has the size and takes no place on the disk.
  await file.write('\nb\n', 2 ** 30);
  await file.close();
  const before = process.memoryUsage().arrayBuffers;
  const bad: string[] = [];
  let most = 0;
  const reader = {
    line: () => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    },
    bad: (what: string, number: number) => bad.push(`line ${number}: ${what}`),
  };
  await readLines(path, reader, 1 << 20);
  expect(bad).toEqual([`line 2: ${2 ** 30 - 2} bytes without a line feed, at most ${1 << 20} are read`]);
  expect(most).toBeLessThan(16 * 2 ** 20);
});
