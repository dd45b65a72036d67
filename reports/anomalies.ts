// Writes that a verdict holds against the target, or can't account for, with the command that explains each: from a finding to its cause.
import type { Finding } from '../lib/model/verdict.ts';
import { painted, printable, wrapped } from './plain-text.ts';

type Told = Pick<Finding, 'check' | 'outcome' | 'says'> & { readonly examples?: unknown; readonly measured?: unknown };

/** Findings whose examples are markers. */
const ofWrites: readonly string[] = [
  'ledger.lost',
  'ledger.duplicated',
  'ledger.refused',
  'ledger.lines',
  'ledger.agree',
  'ledger.never-sent',
];

/** Reported, not judged: only told where something is there to look at. */
const reported: readonly string[] = ['ledger.unknown', 'ledger.stale'];

export function anomaliesOf<T extends Told>(findings: readonly T[]): readonly T[] {
  return findings.filter(
    (finding) =>
      markersOf(finding).length > 0 &&
      (reported.includes(finding.check) || (ofWrites.includes(finding.check) && finding.outcome !== 'passed')),
  );
}

/** The markers that a finding names as examples. */
export function markersOf({ check, examples }: Told): readonly string[] {
  if (![...ofWrites, ...reported].includes(check) || !Array.isArray(examples)) return [];
  return examples.flatMap((example) => /^(\S+): /.exec(String(example))?.[1] ?? []);
}

/** Quoted for a shell where that is needed: a marker comes from the database. */
export function explainCommandOf(marker: string, folder?: string): string {
  const word = (text: string) => (/^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
  return `npx shakedown explain ${word(printable(marker))}${folder === undefined ? '' : ` --run ${word(printable(folder))}`}`;
}

export function anomaliesText(
  runs: readonly { readonly folder: string; readonly scenario: string; readonly anomalies: readonly Finding[] }[],
  options: { readonly colour: boolean },
): string {
  return runs
    .flatMap(({ folder, scenario, anomalies }) => [
      `${printable(scenario)}: ${anomalies.length === 0 ? 'no write that wants explaining' : printable(folder)}`,
      ...anomalies.flatMap(({ outcome, says, examples = [], measured = 0 }) => [
        ...wrapped(says, 2).map((line) => painted(line, outcome, options).padStart(line.length)),
        ...examples.flatMap((example) => {
          const marker = /^(\S+): /.exec(example)?.[1];
          return [
            ...wrapped(example, 4, 6),
            ...(marker === undefined ? [] : [`      ${explainCommandOf(marker, folder)}`]),
          ];
        }),
        ...(measured > examples.length ? [`    and ${measured - examples.length} more`] : []),
      ]),
      '',
    ])
    .join('\n')
    .trimEnd();
}
