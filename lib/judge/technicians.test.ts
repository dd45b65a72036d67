import { expect, test } from 'vitest';
import { journalWith, operationsWith, outcomesOf, smallRun } from '../../tests/fixtures/evidence.ts';
import type { Evidence } from '../model/evidence.ts';
import { judge } from './judge.ts';

/** Planned for 20, and each operation by the technician that `of` says. */
function worked(of: (number: number) => number | undefined): Evidence {
  let number = 0;
  const said = operationsWith(smallRun(), (operation) => {
    const technician = of(number++);
    return technician === undefined ? operation : { ...operation, technician };
  });
  return journalWith(said, (line) =>
    line.kind === 'header'
      ? { ...line, header: { ...line.header, load: { ...line.header.load, technicians: 20 } } }
      : line,
  );
}
const says = (evidence: Evidence) => outcomesOf(judge(evidence.claim, evidence), 'load.technicians');

test('technicians who take turns are many', () => {
  expect(says(worked((number) => number % 20))).toEqual(['passed']);
  expect(says(worked((number) => number % 10))).toEqual(['passed']);
});

test('one technician for all of them concludes nothing, nor do fewer than half of those planned', () => {
  for (const few of [1, 9]) {
    const evidence = worked((number) => number % few);
    expect(says(evidence)).toEqual(['inconclusive']);
    expect(judge(evidence.claim, evidence).outcome).toBe('inconclusive');
  }
});

test('operations that do not say whose they were can’t tell', () => {
  expect(says(worked(() => undefined))).toEqual(['inconclusive']);
});

test('of a run that is older than the number nothing is said', () => {
  const { claim, ...rest } = smallRun();
  expect(outcomesOf(judge(claim, { claim, ...rest }), 'load.technicians')).toEqual([]);
});
