import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findLines } from './find-lines.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shakedown-find-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function found(text: string, ...words: string[]) {
  const path = join(folder, 'lines');
  writeFileSync(path, text);
  const lines: string[] = [];
  const read = await findLines(path, words, (line) => lines.push(line));
  return { lines, ...read };
}

test('each line that holds a word comes once, whole and in order', async () => {
  expect(await found('one b\na two\nthree\nb a a\n', 'a', 'b')).toEqual({
    lines: ['one b', 'a two', 'b a a'],
    cutOff: false,
    tooLong: 0,
  });
});

test('lines that lie across the pieces in which a file is read are whole too', async () => {
  const long = 'ü'.repeat(700_000);
  const text = Array.from({ length: 5 }, (_, n) => `${long} word ${n}\nplain ${n}\n`).join('');
  expect((await found(text, 'word')).lines).toEqual(Array.from({ length: 5 }, (_, n) => `${long} word ${n}`));
});

test('a last line without its line feed is cut off, and is not handed on', async () => {
  expect(await found('word 1\nword 2', 'word')).toEqual({ lines: ['word 1'], cutOff: true, tooLong: 0 });
  expect(await found('', 'word')).toEqual({ lines: [], cutOff: false, tooLong: 0 });
});

test('a line that never ends is counted, and the ones behind it are found', async () => {
  const endless = 'x'.repeat(70 * 1024 * 1024);
  expect(await found(`${endless}word\nword\n`, 'word')).toEqual({ lines: ['word'], cutOff: false, tooLong: 1 });
});
