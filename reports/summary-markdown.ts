// The gate's answer as Markdown, for a CI job's summary: the verdict, one line for each scenario, what blocks, and how to run it again.
import type { Readiness } from '../lib/model/readiness.ts';
import { severity } from '../lib/model/verdict.ts';
import { explainCommandOf, markersOf } from './anomalies.ts';
import { detections } from './detection.ts';
import { answerWord, historySentence, loudOf } from './history-words.ts';
import { burnWords, dearest, goodAgainWords, secondWords, shareWords, stageWords } from './recovery-words.ts';
import { selftestSentence } from './selftest-words.ts';
import { count, duration, outcomeWord, readinessWord, recoveryWords } from './wording.ts';

type Run = Readiness['runs'][number];

/** A job summary of more than a MiB is refused as a whole. */
const bytesMax = 900_000;
const examplesMax = 5;

export function summaryMarkdown(readiness: Readiness): string {
  const { target, suite, commit, outcome, exitCode, skipped, untested } = readiness;
  const runs = [...readiness.runs].sort((a, b) => severity[b.outcome] - severity[a.outcome]);
  const took = duration(Math.max(0, Date.parse(readiness.endedAt) - Date.parse(readiness.startedAt)));
  const lines = [
    `# ${readinessWord[outcome]}: ${plain(target.name)}`,
    '',
    `Shakedown ${plain(suite)} · commit ${code(commit)} · ${took} · exit code ${exitCode}`,
    '',
    '| scenario | outcome | recovery | acknowledged | lost | duplicated | unknown |',
    '| --- | --- | --- | ---: | ---: | ---: | ---: |',
    ...runs.map(rowOf),
    ...skipped.map(({ scenario, reason }) => `| ${plain(scenario)} | **Not run** | ${plain(reason)} | | | | |`),
    '',
    ...detectionTable(runs),
    ...stageTable(runs),
    ...runs.flatMap(sectionOf),
    ...historyOf(readiness),
    ...(readiness.selftest ? [plain(selftestSentence(readiness.selftest, readiness.startedAt)), ''] : []),
    ...(untested.length > 0
      ? [`Outside this suite, so not known: ${untested.map(({ scenario }) => plain(scenario)).join(', ')}.`, '']
      : []),
  ];
  return capped(lines);
}

function rowOf(run: Run): string {
  const { acknowledged, lost, duplicated, unknown } = run.ledger;
  const recovery = recoveryWords(run);
  return `| ${plain(run.scenario)} | **${outcomeWord[run.outcome]}** | ${recovery.value} (${recovery.note}) | ${count(acknowledged)} | ${count(lost)} | ${count(duplicated)} | ${count(unknown)} |`;
}

/** What monitoring noticed, of what it was claimed to. */
function detectionTable(runs: readonly Run[]): readonly string[] {
  const rows = runs.flatMap(({ scenario, findings }) =>
    detections(findings).map(({ alert, outcome, detectedMs, overMs, called }) => {
      const fired = detectedMs === undefined ? (outcome === 'failed' ? 'never' : '?') : duration(detectedMs);
      const over = overMs === undefined ? '' : duration(overMs);
      const calls = detectedMs === undefined ? '' : called ? 'yes' : 'not seen';
      return `| ${plain(scenario)} | ${plain(alert)} | **${outcomeWord[outcome]}** | ${fired} | ${over} | ${calls} |`;
    }),
  );
  if (rows.length === 0) return [];
  return [
    '| scenario | alert | fired in time | after | over after undo | would have called |',
    '| --- | --- | --- | ---: | ---: | --- |',
    ...rows,
    '',
  ];
}

/** How each fault was recovered from, where the claim says by what that is seen. */
function stageTable(runs: readonly Run[]): readonly string[] {
  const rows = runs.flatMap(({ scenario, recovery: { faults = [] } }) =>
    faults.flatMap((one) => {
      const { fault, detected, failedOver, second, budget } = one;
      if (!(detected ?? failedOver ?? second)) return [];
      const cost = dearest(budget);
      const spent = cost ? `${shareWords(cost.share)} of ${cost.objective}, burn rate ${burnWords(cost.burnRate)}` : '';
      const cells = [
        scenario,
        fault,
        detected ? stageWords(detected) : '',
        failedOver ? stageWords(failedOver) : '',
        goodAgainWords(one),
        second ? secondWords(second) : '',
        spent,
      ];
      return [`| ${cells.map(plain).join(' | ')} |`];
    }),
  );
  if (rows.length === 0) return [];
  return [
    '| scenario | fault | detected | failed over | good again | second opinion | error budget of 30 days |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ];
}

/** Only of what did not pass: a summary is read by whom something stopped. */
function sectionOf(run: Run): readonly string[] {
  const open = run.findings.filter(({ outcome }) => outcome !== 'passed');
  if (open.length === 0 && run.residue.length === 0) return [];
  return [
    `## ${plain(run.scenario)}`,
    '',
    plain(run.hypothesis),
    '',
    ...open.flatMap((finding) => [
      `- **${outcomeWord[finding.outcome]}** ${plain(finding.says)}${finding.alsoInControl ? " Control fails it too, without any fault: the platform's own defect." : ''}`,
      ...examplesOf(finding.examples).map((example) => `  - ${code(example)}`),
      ...markersOf(finding)
        .slice(0, 1)
        .map((marker) => `  - Explained by ${code(explainCommandOf(marker))}`),
    ]),
    ...run.residue.map((left) => `- **Left dirty** ${plain(left)}. Next: ${code('npx shakedown undo')}`),
    '',
    `Again: ${code(`npx shakedown run ${run.scenario}`)}`,
    '',
  ];
}

/** A sentence, and what should be looked at. */
function historyOf({ history }: Readiness): readonly string[] {
  if (!history) return [];
  return [
    '## Compared with earlier gates',
    '',
    plain(historySentence(history)),
    '',
    ...loudOf(history).map(
      ({ scenario, answer, says }) => `- **${answerWord[answer]}** ${plain(`${scenario}, ${says}`)}`,
    ),
    '',
  ];
}

function examplesOf(examples: unknown): readonly string[] {
  if (!Array.isArray(examples)) return [];
  const shown = examples.slice(0, examplesMax).map(String);
  return examples.length > examplesMax ? [...shown, `and ${examples.length - examplesMax} more`] : shown;
}

/** What a target wrote stays text: no markup, no HTML, nobody mentioned, no cell of its own. */
const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/[\\`*_[\]{}()#+!|~@>-]/g, (character) => `&#${character.charCodeAt(0)};`);

/** Backticks can't be escaped within backticks. */
const code = (text: string): string => `\`${text.replace(/\s+/g, ' ').replaceAll('`', "'").replaceAll('|', '¦')}\``;

function capped(lines: readonly string[]): string {
  const kept: string[] = [];
  let bytes = 0;
  for (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (bytes > bytesMax) return `${kept.join('\n')}\n\nThe rest did not fit; readiness.html has it.\n`;
    kept.push(line);
  }
  return `${kept.join('\n')}\n`;
}
