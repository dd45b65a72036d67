import { expect, test } from 'vitest';
import type { Readiness } from '../lib/model/readiness.ts';
import type { Finding } from '../lib/model/verdict.ts';
import { notReady } from '../tests/fixtures/readiness.ts';
import { anomaliesOf, anomaliesText, explainCommandOf, markersOf } from './anomalies.ts';
import { findingsTable } from './findings-table.ts';
import { render } from './html.ts';
import { summaryMarkdown } from './summary-markdown.ts';
import { terminalReport } from './terminal.ts';

const lost: Finding = {
  check: 'ledger.lost',
  outcome: 'failed',
  says: '3 acknowledged writes of 9 lost.',
  measured: 3,
  examples: ['r1-issue-1: on no Galera node', 'r1-issue-2: not on galera-1'],
};
const stock: Finding = { ...lost, check: 'stock.bin', examples: ['ITEM-1 in Stores: 3'] };

test('writes that are held against the target want explaining, stock and what passed do not', () => {
  const stale: Finding = { ...lost, check: 'ledger.stale', outcome: 'passed' };
  const fine: Finding = { ...lost, outcome: 'passed', examples: [] };
  expect(anomaliesOf([lost, stock, stale, fine])).toEqual([lost, stale]);
  expect(markersOf(lost)).toEqual(['r1-issue-1', 'r1-issue-2']);
  expect(markersOf(stock)).toEqual([]);
});

test('a marker from the database is no part of a command', () => {
  expect(explainCommandOf('r1-issue-1', 'runs/a b')).toBe("npx shakedown explain r1-issue-1 --run 'runs/a b'");
  expect(explainCommandOf("r1-';reboot;'")).toBe("npx shakedown explain 'r1-'\\'';reboot;'\\'''");
});

test('the list has a command for each, and says how many more there are', () => {
  const text = anomaliesText([{ folder: 'runs/x', scenario: 'crash', anomalies: [lost] }], { colour: false });
  expect(text.match(/npx shakedown explain r1-issue-\d --run runs\/x/g)).toHaveLength(2);
  expect(text).toContain('and 1 more');
  expect(anomaliesText([{ folder: 'x', scenario: 'crash', anomalies: [] }], { colour: false })).toContain(
    'no write that wants explaining',
  );
});

test('terminal, page and summary name the command', () => {
  const { readiness } = notReady();
  const marker = markersOf(
    readiness.runs
      .flatMap(({ findings }) => findings)
      .find(({ check, outcome }) => check === 'ledger.lost' && outcome === 'failed') as Finding,
  )[0];
  const command = `npx shakedown explain ${marker}`;
  expect(terminalReport(readiness, { colour: false, folder: 'runs/g' })).toContain(`${command} --run runs/g`);
  expect(summaryMarkdown(readiness)).toContain(`Explained by \`${command}\``);
  expect(render(findingsTable([{ ...lost }]))).toContain('npx shakedown explain r1-issue-2');
});

test('what control fails too stands apart, behind the rest', () => {
  const { readiness } = notReady();
  const runs = readiness.runs.map((run): Readiness['runs'][number] => ({
    ...run,
    findings: run.findings.map((finding) =>
      finding.check === 'ledger.lost' && finding.outcome === 'failed' ? { ...finding, alsoInControl: true } : finding,
    ),
  }));
  const own = /the platform's own, control fails it too[\s\S]*acknowledged writes of 125 lost/;
  expect(terminalReport({ ...readiness, runs }, { colour: false })).toMatch(own);
  expect(terminalReport(readiness, { colour: false })).not.toMatch(own);
  expect(summaryMarkdown({ ...readiness, runs })).toContain("the platform's own defect");
  expect(render(findingsTable([{ ...lost, alsoInControl: true }]))).toContain('The platform’s own');
});
