// When the fault was noticed, and when a role had moved, by what the claim says that they are seen by. A probe looks now and then, and an
// alert is known to its evaluations: what happened, happened after the last look that said otherwise, and until the first that says so.
// Looks that are missing make that time longer, never shorter.
//
// - What said so before the fault, or changed by itself in the steady phase, shows nothing of the fault.
// - Never seen is told as longer than the last look that said otherwise: a probe that was silent has not seen that nothing happened.
import type { Claim, SeenBy } from '../model/claim.ts';
import { alertsRange, type Evidence, type Instant } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import type { Finding, Outcome, StageMeasure } from '../model/verdict.ts';
import { alertPeriods } from './alert-periods.ts';
import type { Injection } from './injections.ts';
import { duration, rounded } from './numbers.ts';
import { isIn, type Span, spanOf } from './phases.ts';

export interface StageJudgement {
  readonly measure?: StageMeasure;
  readonly findings: readonly Finding[];
}

interface Stage {
  readonly check: 'recovery.detected' | 'recovery.failed-over';
  /** The fault was noticed */
  readonly word: string;
  readonly rules: readonly SeenBy[];
}

export const detection = ({ recovery }: Claim): Stage => ({
  check: 'recovery.detected',
  word: 'detected',
  rules: recovery?.detectedBy ?? [],
});

export const failover = ({ recovery }: Claim): Stage => ({
  check: 'recovery.failed-over',
  word: 'failed over',
  rules: recovery?.failedOverBy ?? [],
});

/** Every rule that is said for the fault is judged; the first one is the measure. */
export function judgeStage(
  { check, word, rules }: Stage,
  injection: Injection,
  evidence: Pick<Evidence, 'journal' | 'ranges'>,
  spans: readonly Span[],
): StageJudgement {
  const judged = rules
    .filter(({ of }) => of === undefined || of === injection.fault)
    .map((rule) => {
      const by = 'alert' in rule ? rule.alert : rule.series;
      const { measure, outcome, says } = judgeRule(rule, injection, evidence, spans, word);
      return {
        measure: measure && { ...measure, by },
        finding: {
          check,
          outcome,
          says: `${injection.named}: ${says}`,
          ...(measure?.ms == null ? {} : { measured: measure.ms }),
          bound: `≤ ${rule.msMax}`,
          unit: 'ms',
          phase: 'recovery',
        } satisfies Finding,
      };
    });
  const measure = judged[0]?.measure;
  return { ...(measure ? { measure } : {}), findings: judged.map(({ finding }) => finding) };
}

interface Judged {
  readonly measure?: Omit<StageMeasure, 'by'>;
  readonly outcome: Outcome;
  readonly says: string;
}

function judgeRule(
  rule: SeenBy,
  injection: Injection,
  evidence: Pick<Evidence, 'journal' | 'ranges'>,
  spans: readonly Span[],
  word: string,
): Judged {
  const cannotTell = (why: string): Judged => ({
    outcome: 'inconclusive',
    says: `when it was ${word} can't be told: ${why}.`,
  });
  const by = 'alert' in rule ? `alert ${rule.alert}` : rule.series;
  const since = rule.from === 'effect' ? injection.effectAt : injection.at;
  if (since === undefined) return cannotTell('its effect is not on record, and the clock starts there');
  const looks = 'alert' in rule ? looksOfAlert(rule.alert, evidence) : looksOfSeries(rule.series, evidence);
  if (looks === undefined) return cannotTell('no replica of Prometheus told which alerts fired');

  const before = looks.filter(({ at }) => at < since);
  const base = before.at(-1);
  if (!base)
    return cannotTell(
      'alert' in rule
        ? 'no alert at all fired before, so nobody knows whether rules were evaluated'
        : `${by} was not seen before`,
    );
  const said = saidBy(rule, base.value);
  if (said(base.value)) return cannotTell(`${by} ${sayingWords(rule, base)} before already`);
  const steady = spanOf(spans, 'steady');
  const quiet = before.filter(({ at }) => steady && isIn(at, steady));
  const saidThen = saidBy(rule, quiet.at(-1)?.value ?? base.value);
  const uneven = quiet.find(({ value }) => saidThen(value));
  if (uneven) return cannotTell(`${by} ${sayingWords(rule, uneven)} in the steady phase by itself`);

  const after = looks.filter(({ at }) => at >= since && at < (injection.next ?? Number.POSITIVE_INFINITY));
  const first = after.findIndex(({ value }) => said(value));
  const seen = after[first];
  const otherwise = (first < 0 ? after : after.slice(0, first)).at(-1);
  const lookedMs = rounded(otherwise ? otherwise.at - since : 0);
  const clock = rule.from === 'effect' ? 'the effect' : 'inject';
  const fromMs = rounded(since - injection.at);
  const wanted = `wanted at most ${duration(rule.msMax)}`;
  if (!seen) {
    const enough = lookedMs >= rule.msMax;
    return {
      measure: { ms: null, resolutionMs: 0, censoredMs: lookedMs, fromMs },
      outcome: enough ? 'failed' : 'inconclusive',
      says: `not ${word} within ${duration(lookedMs)} after ${clock}, by ${by}${enough ? '' : ', and nobody saw it for longer'}; ${wanted}.`,
    };
  }
  const ms = rounded(seen.at - since);
  const resolutionMs = rounded(ms - lookedMs);
  const outcome: Outcome = ms <= rule.msMax ? 'passed' : lookedMs >= rule.msMax ? 'failed' : 'inconclusive';
  return {
    measure: { ms, resolutionMs, fromMs },
    outcome,
    says: `${word} ${duration(ms)} after ${clock}, by ${by}${changeWords(rule, base, seen)}; until ${duration(lookedMs)} it was not; ${wanted}${outcome === 'inconclusive' ? ': too close to call' : ''}.`,
  };
}

interface Look {
  readonly at: Instant;
  readonly value: number;
  readonly seen?: Json;
}

function looksOfSeries(series: string, { journal }: Pick<Evidence, 'journal'>): readonly Look[] {
  return journal
    .filter((line) => line.kind === 'reading')
    .flatMap((line) =>
      line.series === series && typeof line.value === 'number' && Number.isFinite(line.value)
        ? [{ at: line.at, value: line.value, ...(line.seen === undefined ? {} : { seen: line.seen }) }]
        : [],
    )
    .sort((a, b) => a.at - b.at);
}

/** More is a clock that was set, and nobody waits for its steps. */
const stepsMax = 1_000_000;

/**
 * 1 while it fires, else 0, at each step at which any alert fired: where none does, rules may not have been evaluated at all. One that
 * always fires is what shows that they were.
 */
function looksOfAlert(alert: string, evidence: Pick<Evidence, 'ranges'>): readonly Look[] | undefined {
  const periods = alertPeriods(evidence);
  const range = evidence.ranges.find(({ objective }) => objective === alertsRange.objective);
  if (!periods || !range || !((range.to - range.from) / range.stepMs <= stepsMax)) return undefined;
  const looks: Look[] = [];
  for (let at = range.from; at <= range.to; at += range.stepMs) {
    const firing = periods.filter(({ from, to }) => from <= at && at <= to);
    if (firing.length > 0) looks.push({ at, value: firing.some((one) => one.alert === alert) ? 1 : 0 });
  }
  return looks;
}

function saidBy(rule: SeenBy, base: number): (value: number) => boolean {
  if ('alert' in rule) return (value) => value === 1;
  if (rule.is === 'changes') return (value) => value !== base;
  return rule.is === 'at-most' ? (value) => value <= rule.bound : (value) => value >= rule.bound;
}

function sayingWords(rule: SeenBy, { value }: Look): string {
  if ('alert' in rule) return 'was firing';
  return rule.is === 'changes' ? 'changed' : `was ${rounded(value)}`;
}

/** ` (galera-0, then galera-2)` where the probe said what the numbers are; alerts say nothing more. */
function changeWords(rule: SeenBy, base: Look, seen: Look): string {
  return 'alert' in rule ? '' : ` (${lookWords(base)}, then ${lookWords(seen)})`;
}

const lookWords = ({ value, seen }: Look): string => (typeof seen === 'string' ? seen : String(rounded(value)));
