// Whether the run itself can be believed: it ended by itself, its files are whole, its guards held, its clock did not jump.
// Nothing here can fail a target: it only says when nothing can be concluded.
import type { Claim, Phase } from '../model/claim.ts';
import type { Evidence } from '../model/evidence.ts';
import { evidenceSchemaName, manifestSchemaName } from '../model/manifest.ts';
import { runFiles } from '../model/run-folder.ts';
import type { Finding, Outcome } from '../model/verdict.ts';
import { examplesOf } from './findings.ts';
import { counted, duration, rounded } from './numbers.ts';

/** Evidence that was gathered for other rules, or in another form, is refused, never guessed at. */
export function refusedVersion(claim: Claim, { journal, manifest }: Evidence): Finding | undefined {
  const refused = (says: string): Finding => ({
    check: 'run.version',
    outcome: 'inconclusive',
    says: `${says} Next: judge with the release that made the run.`,
  });
  const version: unknown = claim.judgeVersion;
  if (version !== 1)
    return refused(
      `The claim wants to be judged by rules of version ${shortJson(version)}; this judge knows version 1 only.`,
    );
  if ((manifest.schema ?? manifestSchemaName) !== manifestSchemaName)
    return refused(
      `The manifest is of schema ${shortJson(manifest.schema)}; this judge knows ${manifestSchemaName} only.`,
    );
  const schema: string | undefined = journal.find((line) => line.kind === 'header')?.header.schema;
  if (schema !== undefined && schema !== evidenceSchemaName)
    return refused(`The journal is of schema ${shortJson(schema)}; this judge knows ${evidenceSchemaName} only.`);
  return undefined;
}

const shortJson = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'none';

export function judgeRun(claim: Claim, evidence: Evidence): readonly Finding[] {
  return [
    judgeEnd(evidence),
    judgeHeader(claim, evidence),
    judgeFiles(claim, evidence),
    judgeManifest(evidence),
    judgeGuards(claim, evidence),
    judgePhases(claim, evidence),
    judgeClock(evidence),
  ];
}

function judgeEnd({ journal }: Evidence): Finding {
  const ended = journal.find((line) => line.kind === 'ended');
  if (!ended) return told('run.ended', 'inconclusive', 'The journal stops without an end: the run was cut off.');
  if (ended.ended === 'completed') return told('run.ended', 'passed', 'The run came to its planned end.');
  return told('run.ended', 'inconclusive', `The run was ${ended.ended}: ${ended.reason ?? 'no reason is on record'}.`);
}

function judgeHeader(claim: Claim, { journal }: Evidence): Finding {
  const headers = journal.filter((line) => line.kind === 'header');
  const header = headers[0]?.header;
  if (!header || headers.length > 1)
    return told(
      'run.header',
      'inconclusive',
      `${counted(headers.length, 'header')} in the journal, wanted exactly one.`,
    );
  if (header.scenario !== claim.name)
    return told(
      'run.header',
      'inconclusive',
      `The journal is of scenario ${header.scenario}, the claim of ${claim.name}.`,
    );
  const steady = journal.find((line) => line.kind === 'phase' && line.phase === 'steady');
  if (steady?.kind === 'phase' && steady.of !== header.steadyOf)
    return told(
      'run.header',
      'inconclusive',
      `The steady phase is of ${steady.of ?? 'this run'}, the header says of ${header.steadyOf ?? 'this run'}.`,
    );
  return told(
    'run.header',
    'passed',
    `Run ${header.runId} of ${header.scenario}, seed ${header.seed}${header.steadyOf === undefined ? '' : `; its steady state began as the end of run ${header.steadyOf}`}.`,
  );
}

function judgeFiles(claim: Claim, { damaged }: Evidence): Finding {
  const asksPrometheus = claim.objectives.some(({ source }) => source === 'prometheus');
  const counts = damaged.filter(({ file }) => file !== runFiles.prometheus || asksPrometheus);
  if (counts.length === 0) return told('run.files', 'passed', 'Every file of the run folder is whole.');
  const all = counts.map(({ file, what }) => `${file}: ${what}`);
  return {
    ...told(
      'run.files',
      'inconclusive',
      `The run folder is damaged: ${all[0]}${all.length > 1 ? `, and ${all.length - 1} more` : ''}.`,
    ),
    measured: all.length,
    bound: '= 0',
    examples: examplesOf(all),
  };
}

/** Evidence that is not what it was when the run ended is none, whatever it says now. */
function judgeManifest({ manifest: { files, problems } }: Evidence): Finding {
  const all = problems.map(({ file, what }) => `${file}: ${what}`);
  if (all.length === 0)
    return told('run.manifest', 'passed', `${counted(files, 'file')} as the manifest of the run says, byte for byte.`);
  return {
    ...told(
      'run.manifest',
      'inconclusive',
      `The evidence is not what it was when the run ended: ${all[0]}${all.length > 1 ? `, and ${all.length - 1} more` : ''}.`,
    ),
    measured: all.length,
    bound: '= 0',
    examples: examplesOf(all),
  };
}

function judgeGuards(claim: Claim, { journal }: Evidence): Finding {
  const shared = journal.some((line) => line.kind === 'header' && line.header.steadyOf !== undefined);
  const guards = journal.filter((line) => line.kind === 'guard');
  const problems = [
    ...guards
      .filter(({ is }) => is !== 'yes')
      .map(({ name, is, seen }) => `${name}: ${is === 'no' ? '' : 'cannot tell: '}${seen}`),
    ...claim.needs.filter((need) => !guards.some(({ name }) => name === need)).map((need) => `${need}: was not asked`),
  ];
  if (problems.length === 0)
    return told(
      'run.guards',
      'passed',
      `${counted(guards.length, 'guard')} held ${shared ? 'before the fault, under load' : 'before the load started'}.`,
    );
  return {
    ...told('run.guards', 'inconclusive', `${counted(problems.length, 'guard')} did not hold: ${problems.join('; ')}.`),
    examples: examplesOf(problems),
  };
}

const order: readonly Phase[] = ['steady', 'fault', 'recovery', 'after'];

function judgePhases(claim: Claim, { journal }: Evidence): Finding {
  const begun = journal.filter((line) => line.kind === 'phase').map(({ phase }) => phase);
  const wanted = claim.faults.length > 0 ? order : order.filter((phase) => phase === 'steady' || phase === 'after');
  if (begun.join() === wanted.join())
    return told('run.phases', 'passed', `The phases came in order: ${begun.join(', ')}.`);
  return told(
    'run.phases',
    'inconclusive',
    `The phases were ${begun.join(', ') || 'none'}, wanted ${wanted.join(', ')}.`,
  );
}

/** The samples are joined with the journal by wall clock. When that was set meanwhile, the join is wrong and nothing shows it. */
const clockStepMsMax = 250;

function judgeClock({ journal }: Evidence): Finding {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const { at, mono, kind } of journal) {
    // A reading's time is when it was asked for; its line was written when the answer came.
    if (kind === 'reading') continue;
    low = Math.min(low, at - mono);
    high = Math.max(high, at - mono);
  }
  if (journal.length < 2)
    return told('run.clock', 'inconclusive', 'The journal is too short to tell whether the clock ran evenly.');
  const stepMs = high - low;
  return {
    ...(stepMs <= clockStepMsMax
      ? told('run.clock', 'passed', `The wall clock kept within ${duration(stepMs)} of the monotonic one.`)
      : told(
          'run.clock',
          'inconclusive',
          `The wall clock moved by ${duration(stepMs)} against the monotonic one: events can't be put into phases.`,
        )),
    measured: rounded(stepMs),
    bound: `≤ ${clockStepMsMax}`,
    unit: 'ms',
  };
}

const told = (check: string, outcome: Outcome, says: string): Finding => ({ check, outcome, says });
