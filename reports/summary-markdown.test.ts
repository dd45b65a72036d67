import { expect, test } from 'vitest';
import { firstNights, inconclusive, notReady, ready, slower } from '../tests/fixtures/readiness.ts';
import { summaryMarkdown } from './summary-markdown.ts';

test('the verdict stands first, then a line for each scenario', () => {
  const text = summaryMarkdown(ready().readiness);
  expect(text.split('\n')[0]).toBe('# READY: lab');
  expect(text).toMatch(/\| control \| \*\*Passed\*\* \|/);
  expect(text).not.toContain('## ');
});

test('what blocks is told with examples, and how to run it again', () => {
  const text = summaryMarkdown(notReady().readiness);
  expect(text.split('\n')[0]).toBe('# NOT READY: lab');
  expect(text).toContain('- **Failed** 11 acknowledged writes of 125 lost.');
  expect(text).toMatch(/ {2}- `.*on no Galera node/);
  expect(text).toContain('more`');
  expect(text).toContain('`npx shakedown run galera-writer-crash`');
});

test('what was not run stands in the table', () => {
  const text = summaryMarkdown(inconclusive().readiness);
  expect(text.split('\n')[0]).toBe('# INCONCLUSIVE: lab');
  expect(text).toContain('**Not run**');
});

test('what a target wrote is no markup, no cell and no mention', () => {
  const gate = notReady().readiness;
  const [first, ...rest] = gate.runs;
  if (!first) throw new Error('no run');
  const says = '<img src=x> | @everyone `rm` [a](b)\n# big';
  const finding = { check: 'x', outcome: 'failed' as const, says, examples: ['a`b|c'] };
  const text = summaryMarkdown({ ...gate, runs: [{ ...first, findings: [finding] }, ...rest] });
  expect(text).not.toMatch(/<img|@everyone|\[a\]\(b\)|^# big/m);
  expect(text).toContain("`a'b¦c`");
});

test('it never outgrows what a job may have', () => {
  const gate = notReady().readiness;
  const [first] = gate.runs;
  if (!first) throw new Error('no run');
  const finding = { check: 'x', outcome: 'failed' as const, says: 'long '.repeat(50) };
  const text = summaryMarkdown({ ...gate, runs: [{ ...first, findings: Array(20_000).fill(finding) }] });
  expect(Buffer.byteLength(text)).toBeLessThan(1024 * 1024);
  expect(text).toContain('The rest did not fit');
});

test('what got worse than in earlier gates is told; too few gates are told as that', () => {
  const text = summaryMarkdown(slower().readiness);
  expect(text).toContain('## Compared with earlier gates');
  expect(text).toMatch(/- \*\*Worse\*\* galera&#45;writer&#45;crash, scans&#45;p95 in after: 9\d ms/);
  expect(text).toContain('- **Cannot tell** ');
  expect(summaryMarkdown(firstNights().readiness)).toContain('That is insufficient history');
});
