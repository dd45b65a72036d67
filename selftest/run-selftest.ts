// Asks the judge about evidence of which it is known what is wrong with it. A gate that has never been seen to block is decoration; one that
// blocks at everything is ignored after a week. So both are counted: what the judge missed, and what it cried wolf at.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Claim, PrometheusObjective } from '../lib/model/claim.ts';
import type { Evidence } from '../lib/model/evidence.ts';
import { type Outcome, severity, type Verdict } from '../lib/model/verdict.ts';
import type { ObjectiveMistake } from '../lib/promql/check-objective.ts';
import { type Defect, type Family, families, type Healthy } from './defect.ts';
import { evidenceIn, type RecordedName, recordedRun } from './recorded.ts';

export interface Asked {
  readonly judge: (claim: Claim, evidence: Evidence) => Verdict;
  readonly checkObjective: (objective: PrometheusObjective) => readonly ObjectiveMistake[];
}

export interface SelftestResult {
  /** `family/name` of each defect that turned its own checks and no other. */
  readonly caught: readonly string[];
  readonly missed: readonly { readonly defect: string; readonly why: string }[];
  /** A healthy control that did not pass, or a defect that turned more than its own. */
  readonly falseAlarms: readonly { readonly of: string; readonly why: string }[];
  /** Healthy evidence that was judged. */
  readonly controls: number;
}

export async function runSelftest(
  { judge, checkObjective }: Asked,
  healthy: readonly Healthy[],
  defects: Readonly<Record<Family, readonly Defect[]>>,
): Promise<SelftestResult> {
  const caught: string[] = [];
  const missed: { defect: string; why: string }[] = [];
  const falseAlarms: { of: string; why: string }[] = [];
  const recorded = new Map<RecordedName, Evidence>();
  const twins = new Map<
    string,
    { readonly healthy: Healthy; readonly evidence: Evidence; readonly verdict: Verdict }
  >();

  for (const one of healthy) {
    const whole = recorded.get(one.of) ?? (await evidenceIn(await recordedRun(one.of)));
    recorded.set(one.of, whole);
    const evidence = one.with?.(whole) ?? whole;
    const verdict = judge(evidence.claim, evidence);
    twins.set(one.name, { healthy: one, evidence, verdict });
    const alarms = verdict.findings.filter(({ outcome }) => outcome !== 'passed').map(({ says }) => says);
    if (verdict.outcome !== 'passed' || alarms.length > 0)
      falseAlarms.push({ of: `control/${one.name}`, why: alarms.join(' ') || `it is ${verdict.outcome}` });
    // Whoever waits for this may want to end it.
    await breathe();
  }

  for (const family of families)
    for (const defect of defects[family]) {
      const name = `${family}/${defect.name}`;
      const seen = await tryDefect(defect);
      if (seen.is === 'caught') caught.push(name);
      else if (seen.is === 'missed') missed.push({ defect: name, why: seen.why });
      else falseAlarms.push({ of: name, why: seen.why });
      await breathe();
    }
  return { caught, missed, falseAlarms, controls: healthy.length };

  async function tryDefect(defect: Defect): Promise<Seen> {
    if ('refuses' in defect) return judgeRefusal(defect, checkObjective);
    const twin = twins.get(defect.on);
    if (!twin) throw new Error(`${defect.name}: there is no healthy evidence ${defect.on}`);
    const evidence =
      'spoil' in defect
        ? defect.spoil(twin.evidence)
        : await evidenceIn(defect.spoilFiles(await recordedRun(twin.healthy.of)));
    return compare(defect, twin.verdict, judge(evidence.claim, evidence));
  }
}

type Seen = { readonly is: 'caught' } | { readonly is: 'missed' | 'false-alarm'; readonly why: string };

function compare(
  { turns, besides = {} }: Extract<Defect, { readonly on: string }>,
  twin: Verdict,
  seeded: Verdict,
): Seen {
  const [before, after] = [outcomesOf(twin), outcomesOf(seeded)];
  if (twin.outcome !== 'passed') return { is: 'missed', why: 'its healthy twin did not pass, so it shows nothing' };
  for (const [check, outcome] of Object.entries(turns)) {
    const said = after.get(check);
    if (said !== outcome) return { is: 'missed', why: `${check} should be ${outcome}, and ${saidOf(said)}` };
    if (severity[seeded.outcome] < severity[outcome])
      return { is: 'missed', why: `${check} is ${outcome}, and the verdict is ${seeded.outcome} all the same` };
  }
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (check) => before.get(check) !== after.get(check),
  );
  const still = Object.keys(besides).filter((check) => !changed.includes(check));
  if (still.length > 0) return { is: 'missed', why: `${still.join(', ')} should turn as well, and did not` };
  const others = changed.filter((check) => !(check in turns) && !(check in besides));
  if (others.length > 0)
    return { is: 'false-alarm', why: others.map((check) => `${check} ${saidOf(after.get(check))}`).join(', ') };
  return { is: 'caught' };
}

const saidOf = (outcome: Outcome | undefined): string => (outcome === undefined ? 'fell silent' : `is ${outcome}`);

/** The worst counts where a check speaks several times. */
function outcomesOf({ findings }: Verdict): ReadonlyMap<string, Outcome> {
  const outcomes = new Map<string, Outcome>();
  for (const { check, outcome } of findings)
    if (severity[outcome] >= severity[outcomes.get(check) ?? 'passed']) outcomes.set(check, outcome);
  return outcomes;
}

/** As it should be but for what is said of it. */
const objective: PrometheusObjective = {
  name: 'asked',
  source: 'prometheus',
  query: 'min(mysql_global_status_wsrep_cluster_size)',
  unit: '',
  reduce: 'min',
  phases: ['steady', 'after'],
  coverageMin: 0.5,
};

function judgeRefusal(
  { refuses, by, accepts }: Extract<Defect, { readonly refuses: unknown }>,
  check: Asked['checkObjective'],
): Seen {
  const refused = new Set(check({ ...objective, ...refuses }).map(({ rule }) => rule));
  const passes = by.filter((rule) => !refused.has(rule));
  if (passes.length > 0) return { is: 'missed', why: `it was not refused by ${passes.join(', ')}` };
  const others = [...refused].filter((rule) => !by.includes(rule));
  if (others.length > 0) return { is: 'false-alarm', why: `refused by ${others.join(', ')} as well` };
  const [wrongly] = check({ ...objective, ...accepts });
  return wrongly ? { is: 'false-alarm', why: `its healthy twin is refused: ${wrongly.says}` } : { is: 'caught' };
}
