// Is this gate worse than the ones before it? One gate gives one figure of each measure, since requests within a run are no independent
// samples; the newest three are tested against those before. A warning: it never decides, for it depends on what else lies in the folder.
import { isDeepStrictEqual } from 'node:util';
import type { Claim } from '../model/claim.ts';
import type { Answer, Comparison, GateFigures, History, LeftOut, RunFigures } from '../model/history.ts';
import { compareText } from './findings.ts';
import { counted, duration, percent } from './numbers.ts';
import { quantileBounds } from './statistics/quantile-bounds.ts';
import { chanceMin, rankTest } from './statistics/rank-test.ts';
import { shiftBetween } from './statistics/shift.ts';

/** This gate and two before: one alone can't be told from chance before there are a hundred, three can before there are ten others. */
const newestMax = 3;
/** A month of working nights. What was usual longer ago is not what is usual. */
const earlierMax = 20;
/** Of calling a figure worse that is not. */
const chance = 0.01;
/** Fewest earlier gates with which the newest could be called worse at all: 7. */
const earlierMin = ((): number => {
  let count = 1;
  while (chanceMin(newestMax, count) > chance) count += 1;
  return count;
})();
/** Fewest earlier gates that a figure can stand out from. */
const standsOutMin = 3;

/** Gates that are not earlier than this one must not be among `earlier`. */
export function compareGates(
  gate: GateFigures,
  earlier: readonly GateFigures[],
  unread: readonly LeftOut[] = [],
): History {
  const newestFirst = [...earlier].sort((a, b) => b.startedAt - a.startedAt);
  const leftOut = new Map<string, LeftOut>();
  const leaveOut = (what: LeftOut['what'], reason: string, count = 1): void => {
    const before = leftOut.get(`${what} ${reason}`)?.count ?? 0;
    leftOut.set(`${what} ${reason}`, { what, reason, count: before + count });
  };
  for (const { what, reason, count } of unread) leaveOut(what, reason, count);

  const comparisons = gate.runs.flatMap((run) => {
    const others = newestFirst.flatMap(({ runs }) => {
      const other = runs.find(({ scenario }) => scenario === run.scenario);
      const why = other && notComparable(run, other);
      if (why !== undefined) leaveOut('runs', why);
      return other && why === undefined ? [other] : [];
    });
    return measuresOf(run.claim).map((measure) => {
      const past = others.flatMap((other) => {
        const same = measuresOf(other.claim).find((one) => one.name === measure.name && one.phase === measure.phase);
        if (!same || !isDeepStrictEqual(same.means, measure.means)) {
          leaveOut('figures', 'measured otherwise');
          return [];
        }
        return same.of(other) ?? [];
      });
      return comparisonOf(run, measure, past);
    });
  });
  return {
    answer: worstOf(comparisons.map(({ answer }) => answer)),
    gates: earlier.length,
    leftOut: [...leftOut.values()].sort((a, b) => compareText(a.what + a.reason, b.what + b.reason)),
    comparisons,
  };
}

function worstOf(answers: readonly Answer[]): Answer {
  if (answers.includes('worse')) return 'worse';
  if (answers.every((answer) => answer === 'insufficient history')) return 'insufficient history';
  return answers.every((answer) => answer === 'no worse' || answer === 'better') ? 'no worse' : 'cannot tell';
}

/** Why figures of two runs of one scenario don't mean the same. What the target runs may differ: that is what is compared. */
function notComparable(run: RunFigures, other: RunFigures): string | undefined {
  if (other.claim.judgeVersion !== run.claim.judgeVersion) return 'judged by other rules';
  // The hypothesis has the numbers of the play, such as how long a fault is held, which stand nowhere else in a claim.
  if (other.claim.hypothesis !== run.claim.hypothesis || !isDeepStrictEqual(other.claim.faults, run.claim.faults))
    return 'of another claim';
  if (!isDeepStrictEqual(other.load, run.load)) return 'under another load';
  return unusable(other);
}

/** Failed runs count on both sides: to leave them out would make the past look better than it was. */
function unusable({ outcome, ended }: RunFigures): string | undefined {
  if (ended !== 'completed') return `run ${ended}`;
  return outcome === 'inconclusive' ? 'inconclusive' : undefined;
}

interface Measure {
  readonly name: string;
  readonly phase?: string;
  readonly unit: Comparison['unit'];
  /** A tenth of what the claim allows: what a user would not call a change is none, however sure it is. */
  readonly margin: number;
  /** Must be the same for two figures to be of the same measure. */
  readonly means: unknown;
  /** Larger is worse. Undefined when it was not measured. */
  of(run: RunFigures): number | undefined;
}

/** What users felt. The steady state before a fault is the end of the run before, and is compared there. */
function measuresOf(claim: RunFigures['claim']): readonly Measure[] {
  const { recovery } = claim;
  return [
    ...(recovery === null
      ? []
      : [
          {
            name: 'recovery',
            unit: 'ms' as const,
            margin: recovery.recoveryMsMax / 10,
            means: [recovery.windowMs, recovery.badRatioMax],
            // One that never came counts with the time that was waited for it: it was no less.
            of: (run: RunFigures) => run.recovery.ms ?? run.recovery.censoredMs,
          },
        ]),
    ...claim.objectives.flatMap((objective) => {
      const of = boundOf(objective);
      if (!of) return [];
      return objective.phases
        .filter((phase) => phase !== 'steady' || claim.faults.length === 0)
        .map((phase) => ({
          name: objective.name,
          phase,
          unit: of.unit,
          margin: of.margin,
          means: [objective.measure, objective.journeys],
          of: (run: RunFigures) => {
            const found = run.measured.find((one) => one.check === objective.name && one.phase === phase);
            return found && (of.unit === 'ms' ? found.value : tidy(1 - found.value));
          },
        }));
    }),
  ];
}

/** One bad event of the fewest that are judged is the least that a share can differ by. */
function boundOf({ measure, min, max, samplesMin }: Claim['objectives'][number] & { readonly source: 'k6' }) {
  if (measure === 'good-ratio')
    return min === undefined
      ? undefined
      : { unit: 'bad share' as const, margin: Math.max((1 - min) / 10, 1 / Math.max(1, samplesMin)) };
  return max === undefined ? undefined : { unit: 'ms' as const, margin: max / 10 };
}

/** `past`: newest first. */
function comparisonOf(run: RunFigures, measure: Measure, past: readonly number[]): Comparison {
  const why = unusable(run);
  const own = why === undefined ? measure.of(run) : undefined;
  const series = [...(own === undefined ? [] : [own]), ...past];
  const newest = series.slice(0, newestMax).reverse();
  const earlier = series.slice(newestMax, newestMax + earlierMax).reverse();
  const bounds = quantileBounds(earlier, 0.5, 0.05);
  const known = {
    scenario: run.scenario,
    measure: measure.name,
    ...(measure.phase === undefined ? {} : { phase: measure.phase }),
    unit: measure.unit,
    newest,
    earlier,
    standsOut: false,
    margin: tidy(measure.margin),
    ...(newest.length > 0 ? { newestMedian: medianOf(newest) } : {}),
    ...(earlier.length > 0 ? { earlierMedian: medianOf(earlier) } : {}),
    ...('from' in bounds ? { earlierMedianBounds: bounds } : {}),
  };
  const name = `${measure.name}${measure.phase === undefined ? '' : ` in ${measure.phase}`}`;
  const told = (value: number) => (measure.unit === 'ms' ? duration(value) : `${percent(value)} bad`);
  const by = (difference: number) => (measure.unit === 'ms' ? duration(difference) : percent(difference));
  if (own === undefined)
    return {
      ...known,
      answer: 'cannot tell',
      says: `${name}: ${why === undefined ? 'not measured this time' : `this run is ${why}, so its figures say nothing`}.`,
    };

  const standsOut =
    earlier.length >= standsOutMin && own > Math.max(...earlier) && own - medianOf(earlier) >= measure.margin;
  const range =
    earlier.length === 0
      ? ''
      : `, ${told(Math.min(...earlier))} to ${told(Math.max(...earlier))} in ${counted(earlier.length, 'gate')} before`;
  const alone = `${name}: ${told(own)} this time${range}`;
  const missing = newestMax + earlierMin - newest.length - earlier.length;
  if (missing > 0)
    return {
      ...known,
      standsOut,
      answer: 'insufficient history',
      says: `${alone}. ${counted(missing, 'more gate')} like this one ${missing === 1 ? 'is' : 'are'} needed to tell.`,
    };

  const test = rankTest(newest, earlier);
  const shift = shiftBetween(newest, earlier, chance);
  const answer = answerOf(test, shift, measure.margin);
  const medians = `${name}: ${told(medianOf(newest))} in the newest ${newestMax} gates, ${told(medianOf(earlier))} in the ${earlier.length} before (medians)`;
  const says = {
    worse: `${medians}; ${by(shift.estimate)} worse, at least ${by(Math.max(0, shift.from ?? 0))}.`,
    better: `${medians}; ${by(-shift.estimate)} better, at least ${by(Math.max(0, -(shift.to ?? 0)))}.`,
    'no worse': `${medians}; at most ${by(Math.max(0, shift.to ?? 0))} worse, where ${by(measure.margin)} would matter.`,
    'cannot tell': standsOut
      ? `${alone}: beyond them all, yet one gate may be chance. Play it twice more, then three can tell.`
      : `${medians}; it may be ${by(Math.max(0, shift.to ?? 0))} worse, where ${by(measure.margin)} would matter: the gates differ too much among each other.`,
  }[answer];
  return {
    ...known,
    standsOut,
    answer,
    says,
    shift: {
      estimate: tidy(shift.estimate),
      ...(shift.from === undefined ? {} : { from: tidy(shift.from) }),
      ...(shift.to === undefined ? {} : { to: tidy(shift.to) }),
    },
    delta: tidy(test.delta),
    chance: { worse: tidy(test.greater), better: tidy(test.less) },
  };
}

/** Surer than chance, and by as much as matters; or so sure that it is less than that. Else nobody knows. */
function answerOf(
  { greater, less }: ReturnType<typeof rankTest>,
  { estimate, to }: ReturnType<typeof shiftBetween>,
  margin: number,
): Exclude<Answer, 'insufficient history'> {
  if (greater <= chance && estimate >= margin) return 'worse';
  if (less <= chance && estimate <= -margin) return 'better';
  return to !== undefined && to < margin ? 'no worse' : 'cannot tell';
}

function medianOf(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  return tidy((at(Math.floor((sorted.length - 1) / 2)) + at(Math.floor(sorted.length / 2))) / 2);
}

/** A share is told to three decimals; what adding floats leaves behind them is noise. */
const tidy = (value: number): number => Math.round(value * 1e6) / 1e6 + 0;
