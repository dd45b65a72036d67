// What the users feel while the run goes on. Only for deciding when to inject and how long to wait: the verdict comes from the files.
import { judgeLoadObjective } from '../judge/load-objective.ts';
import { allPlannedArrivals } from '../judge/planned-arrivals.ts';
import type { Claim, Journey, RecoveryRule } from '../model/claim.ts';
import type { Instant, PlannedLoad } from '../model/evidence.ts';
import type { LoadEvent, RunningLoad } from '../model/load-driver.ts';
import { sampleTablesBuilder } from '../tables/run-tables.ts';

interface Event {
  readonly at: Instant;
  readonly journey: Journey;
  readonly good: number;
  readonly bad: number;
}

export interface LoadWatch {
  /** Resolves with the first operation or drop. */
  readonly first: Promise<void>;
  /** Why the time from `from` to `to` is not a steady state; undefined when it is one. */
  notSteady(claim: Claim, from: Instant, to: Instant): string | undefined;
  /** Why the phase after, from `from` to `to`, is no steady state for another run to begin with; undefined when it is one. */
  notWell(claim: Claim, from: Instant, to: Instant): string | undefined;
  /** True when the window that ends a little before `now` is good by the claim's own rule. */
  recovered(rule: RecoveryRule, since: Instant, now: Instant): boolean;
  close(): void;
}

/** Answers are seen when they come: what was sent within this time may still be under way and is left out. */
const answerLagMs = 1_000;
/** A window with fewer events than this share of the planned ones is a stall, not a recovery. */
const arrivedRatioMin = 0.5;

export function watchLoad(load: RunningLoad, planned: PlannedLoad): LoadWatch {
  const events: Event[] = [];
  const told: LoadEvent[] = [];
  const { promise: first, resolve } = Promise.withResolvers<void>();
  const close = load.listen((event) => {
    if (event.kind === 'operation') {
      const { sentAt, journey, good } = event.operation;
      events.push({ at: sentAt, journey, good: good ? 1 : 0, bad: good ? 0 : 1 });
    } else {
      events.push({ at: event.drop.at, journey: event.drop.journey, good: 0, bad: event.drop.count });
    }
    told.push(event);
    resolve();
  });

  function count(from: Instant, to: Instant, journeys?: readonly Journey[]) {
    let good = 0;
    let bad = 0;
    for (const event of events) {
      if (event.at < from || event.at >= to || (journeys && !journeys.includes(event.journey))) continue;
      good += event.good;
      bad += event.bad;
    }
    return { good, bad, all: good + bad };
  }

  /** Fewer events than this between two times are a stall. */
  function wanted(from: Instant, to: Instant): number {
    const began = events.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    return arrivedRatioMin * allPlannedArrivals(planned, from - began, to - began);
  }

  return {
    first,
    close,
    notSteady(claim, from, to) {
      if (count(from, to).all === 0) return 'no operation was answered';
      for (const objective of claim.objectives) {
        if (objective.source !== 'k6' || objective.measure !== 'good-ratio' || !objective.phases.includes('steady'))
          continue;
        const { good, all } = count(from, to, objective.journeys);
        if (all < objective.samplesMin) {
          return `${objective.name}: ${all} operations, wanted at least ${objective.samplesMin}`;
        }
        if (objective.min !== undefined && good / all < objective.min) {
          return `${objective.name}: ${good} of ${all} good (${(good / all).toFixed(4)}), wanted at least ${objective.min}`;
        }
      }
      // A claim without an objective of its own for the steady phase is held to its recovery rule.
      const { bad, all } = count(from, to);
      if (claim.recovery && bad / all > claim.recovery.badRatioMax) {
        return `${bad} of ${all} operations bad, wanted at most a share of ${claim.recovery.badRatioMax}`;
      }
      return undefined;
    },
    recovered(rule, since, now) {
      const to = now - answerLagMs;
      const from = to - rule.windowMs;
      if (from < since) return false;
      const { bad, all } = count(from, to);
      return all > 0 && all >= wanted(from, to) && bad / all <= rule.badRatioMax;
    },
    notWell(claim, from, to) {
      const { bad, all } = count(from, to - answerLagMs);
      if (all === 0 || all < wanted(from, to - answerLagMs)) return `only ${all} operations were answered or dropped`;
      if (claim.recovery && bad / all > claim.recovery.badRatioMax) return `${bad} of ${all} operations bad`;
      const samples = sampleTablesBuilder();
      for (const event of told) {
        if (event.kind === 'operation') samples.operation(event.operation);
        else samples.drop(event.drop);
      }
      const tables = samples.done();
      for (const objective of claim.objectives) {
        if (objective.source !== 'k6' || !objective.phases.includes('after')) continue;
        const { outcome, says } = judgeLoadObjective(objective, { phase: 'after', from, to }, tables);
        if (outcome !== 'passed') return says;
      }
      return undefined;
    },
  };
}
