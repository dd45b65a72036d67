import { expect, test } from 'vitest';
import { judge } from '../lib/judge/judge.ts';
import { lostWrites } from '../tests/fixtures/lost-writes.ts';
import { firstNights, inconclusive, notReady, ready, slower } from '../tests/fixtures/readiness.ts';
import { terminalReport, verdictReport } from './terminal.ts';

const plain = { colour: false };

test('what blocks, the ledger, the recovery and the verdict are told, the worst scenario first', () => {
  const text = terminalReport(notReady().readiness, { ...plain, page: 'runs/latest/readiness.html' });
  expect(text).toMatch(/✗ galera-writer-crash: failed[\s\S]*✓ control: passed[\s\S]*NOT READY/);
  expect(text).toContain('writes: 135 sent, 125 acknowledged, 11 lost, 0 duplicated, 10 unknown (4 there)');
  expect(text).toContain('recovery: 9.00 s (± 221 ms)');
  expect(text).toContain('✗ 11 acknowledged writes of 125 lost.');
  expect(text).toContain('and 8 more');
  expect(text).toContain('exit code 1');
  expect(text).toContain('runs/latest/readiness.html');
});

test('passed checks are not told one by one', () => {
  const text = terminalReport(ready().readiness, plain);
  expect(text).toContain('READY');
  expect(text).not.toContain('run.files');
  expect(text.split('\n').length).toBeLessThan(20);
});

test('skipped and untested scenarios are told', () => {
  const text = terminalReport(inconclusive().readiness, plain);
  expect(text).toContain('? network-partition: skipped');
  expect(text).toContain('Outside this suite, so not known: redis-cache-freeze');
});

test('names from a file neither move the cursor nor fill the screen', () => {
  const evidence = lostWrites();
  const verdict = { ...judge(evidence.claim, evidence), scenario: `a\u001b[2J\u202eb${'x'.repeat(100_000)}` };
  const text = verdictReport(verdict, `\u0007${evidence.claim.hypothesis}`, plain);
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u);
  expect(text).toContain('a [2J b');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(300);
});

test('lines fit a terminal, and without colour there is no escape', () => {
  for (const gate of [ready(), notReady(), inconclusive()]) {
    const text = terminalReport(gate.readiness, plain);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
    expect(text).not.toContain('\u001b');
  }
  expect(terminalReport(ready().readiness, { colour: true })).toContain('\u001b[1;32;7m READY \u001b[0m');
});

test('what a target wrote can’t move the cursor', () => {
  const { readiness } = notReady();
  const runs = readiness.runs.map((run) => ({ ...run, residue: ['\u001b[2Jgone'], hypothesis: 'a\u0007b' }));
  expect(terminalReport({ ...readiness, runs }, plain)).not.toMatch(/(?!\n)\p{Cc}/u);
});

test('one verdict by itself says what was lost', () => {
  const evidence = lostWrites();
  const text = verdictReport(judge(evidence.claim, evidence), evidence.claim.hypothesis, plain);
  expect(text).toMatch(/^ ✗ galera-writer-crash: failed\n {4}SYNTHETIC[\s\S]*✗ 11 acknowledged writes of 125 lost\./);
});

test('what got worse than in earlier gates is told beside the verdict; too few gates are told as that', () => {
  const text = terminalReport(slower().readiness, plain);
  expect(text).toContain('of 3 figures, 1 worse, 1 no worse, 1 not to be told. This decides');
  expect(text).toMatch(/! worse: galera-writer-crash, scans-p95 in after: 9\d ms in the newest 3 gates/);
  expect(text).toMatch(/! cannot tell: galera-writer-crash, recovery: 21\.4 s this time[\s\S]*READY/);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  expect(terminalReport(firstNights().readiness, plain)).toContain('That is insufficient history');
  expect(terminalReport(ready().readiness, plain)).not.toContain('earlier gate');
});
