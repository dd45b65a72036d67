// What `gate`, `run` and `judge` print when they are done: outcome, what decides, the ledger, and where to read on. Plain text, 100 columns.
import type { Readiness } from '../lib/model/readiness.ts';
import { type Finding, type Outcome, severity, type Verdict } from '../lib/model/verdict.ts';
import { answerWord, historySentence, loudOf } from './history-words.ts';
import { count, duration, outcomeWord, plural, readinessWord, recoveryWords } from './wording.ts';

export interface TerminalOptions {
  /** Whether the terminal shows colours; without, shapes and words say the same. */
  readonly colour: boolean;
  /** Path of the page, when one was written. */
  readonly page?: string;
}

type Run = Readiness['runs'][number];

export function terminalReport(readiness: Readiness, options: TerminalOptions): string {
  const { outcome, target, suite, startedAt, endedAt, commit, skipped, untested, exitCode } = readiness;
  const runs = [...readiness.runs].sort((a, b) => severity[b.outcome] - severity[a.outcome]);
  const took = duration(Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)));
  return [
    '',
    ...runs.flatMap((run) => [...scenarioLines(run, options), '']),
    ...skipped.flatMap(({ scenario, reason }) => [
      `${mark('inconclusive', options)} ${named(scenario)}: skipped`,
      ...wrapped(reason, 4),
      '',
    ]),
    ...(untested.length > 0
      ? [...wrapped(`Outside this suite, so not known: ${untested.map(({ scenario }) => scenario).join(', ')}`, 2), '']
      : []),
    ...historyLines(readiness.history),
    `  ${painted(` ${readinessWord[outcome]} `, outcome, options, true)}  ${named(target.name)} (${named(target.environment)}) · ${named(suite)} · ${named(commit.slice(0, 12))} · ${took} · exit code ${exitCode}`,
    ...(options.page ? [`  ${options.page}`] : []),
    '',
  ]
    .join('\n')
    .replace(/[\u00a0\u202f]/g, ' ');
}

/** In one line, and what should be looked at. */
function historyLines(history: Readiness['history']): readonly string[] {
  if (!history) return [];
  return [
    ...wrapped(historySentence(history), 2),
    ...loudOf(history).flatMap(({ scenario, answer, says }) =>
      wrapped(`! ${answerWord[answer].toLowerCase()}: ${scenario}, ${says}`, 4, 6),
    ),
    '',
  ];
}

/** One verdict by itself, as `judge` prints it. */
export function verdictReport(verdict: Verdict, hypothesis: string, options: TerminalOptions): string {
  const { scenario, outcome, recovery, ledger, findings } = verdict;
  const text = scenarioLines(
    {
      scenario,
      hypothesis,
      outcome,
      recovery: { ...recovery },
      ledger,
      findings,
      residue: [],
      ended: 'completed',
      folder: '',
    },
    options,
  );
  return text
    .join('\n')
    .replace(/[\u00a0\u202f]/g, ' ')
    .trimEnd();
}

type Told = Pick<Run, 'scenario' | 'hypothesis' | 'outcome' | 'ended' | 'residue' | 'folder' | 'ledger'> & {
  readonly recovery: Run['recovery'];
  readonly findings: readonly (Pick<Finding, 'check' | 'outcome' | 'says'> & { readonly examples?: unknown })[];
};

function scenarioLines(run: Told, options: TerminalOptions): readonly string[] {
  const { ledger } = run;
  const wrong = run.findings.filter(({ outcome }) => outcome !== 'passed');
  const recovery = recoveryWords(run);
  const measured = run.recovery.ms !== null || run.recovery.censoredMs !== undefined;
  const unread = run.findings.some(({ check, outcome }) => check === 'ledger.lost' && outcome === 'inconclusive');
  const absent = (value: number) => (unread && value === 0 ? '?' : count(value));
  return [
    `${mark(run.outcome, options)} ${named(run.scenario)}: ${outcomeWord[run.outcome].toLowerCase()}${run.ended === 'completed' ? '' : ` (${run.ended})`}`,
    ...wrapped(run.hypothesis, 4),
    `    writes: ${count(ledger.sent)} sent, ${count(ledger.acknowledged)} acknowledged, ${absent(ledger.lost)} lost, ${absent(ledger.duplicated)} duplicated, ${count(ledger.unknown)} unknown (${absent(ledger.unknownPresent)} there)`,
    ...(measured ? [`    recovery: ${recovery.value} (${recovery.note})`] : []),
    ...wrong.flatMap(({ outcome, says, examples }) => [
      ...wrapped(`${mark(outcome, { colour: false }).trim()} ${says}`, 4, 6),
      ...(Array.isArray(examples) ? examples.slice(0, 3).map((one) => `        ${printable(String(one))}`) : []),
      ...(Array.isArray(examples) && examples.length > 3
        ? [`        and ${plural(examples.length - 3, 'more', 'more')}`]
        : []),
    ]),
    ...run.residue.flatMap((left) => wrapped(`left in the target: ${left}`, 4)),
    ...(wrong.length > 0 && run.folder !== '' ? [`    ${named(run.folder)}`] : []),
  ];
}

const shapes: Readonly<Record<Outcome, string>> = { passed: '✓', inconclusive: '?', failed: '✗' };
const codes: Readonly<Record<Outcome, number>> = { passed: 32, inconclusive: 33, failed: 31 };

const mark = (outcome: Outcome, options: TerminalOptions): string =>
  `  ${painted(shapes[outcome], outcome, options)}`.slice(1);

function painted(text: string, outcome: Outcome, { colour }: TerminalOptions, reverse = false): string {
  return colour ? `\u001b[1;${codes[outcome]}${reverse ? ';7' : ''}m${text}\u001b[0m` : text.trim();
}

/** What a target wrote must not move the cursor, change colours or turn the direction of reading. */
const printable = (text: string): string => text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ');

/** A name comes from a file, and the file may be anybody's. */
const named = (text: string): string => printable(text).slice(0, 200);

const columns = 100;

function wrapped(text: string, indent: number, hanging = indent): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/)) {
    const margin = lines.length === 0 ? indent : hanging;
    if (line !== '' && margin + line.length + 1 + word.length > columns) {
      lines.push(' '.repeat(margin) + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, ' '.repeat(lines.length === 0 ? indent : hanging) + line];
}
