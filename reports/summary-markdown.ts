// The gate's answer as Markdown, for a CI job's summary: the verdict, one line for each scenario, what blocks, and how to run it again.
import type { Readiness } from '../lib/model/readiness.ts';
import { severity } from '../lib/model/verdict.ts';
import { answerWord, historySentence, loudOf } from './history-words.ts';
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
    ...runs.flatMap(sectionOf),
    ...historyOf(readiness),
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
      `- **${outcomeWord[finding.outcome]}** ${plain(finding.says)}`,
      ...examplesOf(finding.examples).map((example) => `  - ${code(example)}`),
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
