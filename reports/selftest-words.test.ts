import { expect, test } from 'vitest';
import { ready } from '../tests/fixtures/readiness.ts';
import { selftestOf } from '../tests/fixtures/selftest.ts';
import { readinessPage } from './readiness-page.ts';
import { selftestSentence } from './selftest-words.ts';
import { summaryMarkdown } from './summary-markdown.ts';
import { terminalReport } from './terminal.ts';

const startedAt = '2026-11-23T01:29:41.000Z';
const plain = (text: string) => text.replace(/&#45;/g, '-').replace(/[\u00a0\u202f\s]+/g, ' ');

test('a sound self-test is told with its age', () => {
  expect(plain(selftestSentence(selftestOf(), startedAt))).toBe(
    'Self-test of the judge: 85 seeded defects of 85 caught, no false alarm on 26 healthy controls, 2 h 0 min before this gate.',
  );
  expect(selftestSentence(selftestOf({ at: startedAt }), startedAt)).toContain('made by this gate');
});

test('one that missed something says what, and that no gate is ready by it', () => {
  const missed = selftestOf({ caught: 83, missed: ['app/applies-twice'], falseAlarms: ['alerts/fires-late'] });
  expect(plain(selftestSentence(missed))).toBe(
    'The judge missed 1 of 85 seeded defects (app/applies-twice) and raised 1 false alarm (alerts/fires-late) in its self-test: no gate is ready by it. Next: shakedown selftest.',
  );
  expect(selftestSentence(selftestOf({ caught: 0 }))).toContain('caught nothing');
});

test('page, terminal and summary tell it; in the banner only when it decides', () => {
  const gate = ready();
  const told = (missed: string[]) => {
    const outcome = missed.length > 0 ? ('inconclusive' as const) : ('passed' as const);
    const readiness = { ...gate.readiness, outcome, selftest: selftestOf({ missed }) };
    return [
      readinessPage({ ...gate, readiness }),
      terminalReport(readiness, { colour: false }),
      summaryMarkdown(readiness),
    ];
  };
  for (const text of told([])) expect(plain(text)).toContain('85 seeded defects of 85 caught');
  const [page = '', ...others] = told(['app/applies-twice']);
  for (const text of [page, ...others]) expect(plain(text)).toContain('app/applies-twice');
  expect(page.slice(0, page.indexOf('</header>'))).toContain('no gate is ready by it');
  expect(told([])[0]?.split('</header>')[0]).not.toContain('Self-test');
});
