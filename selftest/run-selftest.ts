// Asks the judge about evidence of which it is known what is wrong with it. A gate that has never been seen to block is decoration; one that
// blocks at everything is ignored after a week. So both are counted: what the judge missed, and what it cried wolf at.
import { setImmediate as breathe } from 'node:timers/promises';
import type { Claim, PrometheusObjective } from '../lib/model/claim.ts';
import type { Evidence } from '../lib/model/evidence.ts';
import type { Verdict } from '../lib/model/verdict.ts';
import type { ObjectiveMistake } from '../lib/promql/check-objective.ts';
import { compare, type Seen } from './compare.ts';
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
