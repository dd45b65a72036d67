// How a recovery went, fault by fault, in words and on one clock: the same on the page, in the terminal and in a job's summary.
import type { Readiness } from '../lib/model/readiness.ts';
import { duration } from './wording.ts';

export type Recovery = Readiness['runs'][number]['recovery'];
export type FaultRecovery = NonNullable<Recovery['faults']>[number];
export type StageMeasure = NonNullable<FaultRecovery['detected']>;
export type BudgetCost = NonNullable<FaultRecovery['budget']>[number];

/** 6.50 s · > 55.5 s · not seen */
export function measureWords({ ms, censoredMs }: Pick<FaultRecovery, 'ms' | 'censoredMs'>): string {
  if (ms !== null) return duration(ms);
  return censoredMs ? `> ${duration(censoredMs)}` : 'not seen';
}

/** As a stage, told on the clock of inject; one that counts from the effect says so. */
export const stageWords = (stage: StageMeasure): string =>
  `${measureWords(stage)}${stage.fromMs > 0 ? ' after its effect' : ''}`;

/** Zero is no recovery: there was nothing to recover from. */
export const goodAgainWords = (recovery: Pick<FaultRecovery, 'ms' | 'censoredMs'>): string =>
  recovery.ms === 0 ? 'not felt' : measureWords(recovery);

/** agrees: good again after 10 s, 0.4 scrapes later */
export function secondWords(second: NonNullable<FaultRecovery['second']>): string {
  if (second.is === 'none') return `no second opinion: ${second.why}`;
  const { is, laterMs, scrapeMs } = second;
  const scrapes = laterMs === null ? undefined : Math.round((10 * Math.abs(laterMs)) / scrapeMs) / 10;
  const apart =
    scrapes === undefined || laterMs === null ? '' : `, ${scrapes} scrapes ${laterMs < 0 ? 'earlier' : 'later'}`;
  return `the ingress ${is}: ${goodAgainWords(second)}${apart}`;
}

/** Two digits of what is small: 0.031 % */
export function shareWords(share: number): string {
  const hundred = 100 * share;
  return `${hundred === 0 ? 0 : hundred >= 10 ? Math.round(hundred) : Number(hundred.toPrecision(2))}\u00a0%`;
}

export const burnWords = (burnRate: number): string =>
  String(burnRate >= 10 ? Math.round(burnRate) : Math.round(10 * burnRate) / 10);

/** The objective that it cost most of. */
export const dearest = (budget: readonly BudgetCost[] = []): BudgetCost | undefined =>
  [...budget].sort((a, b) => b.share - a.share)[0];

/** Everything of one fault in a line, without its recovery time, which stands before it. */
export function stagesInLine({ detected, failedOver, second, budget }: FaultRecovery): string {
  const cost = dearest(budget);
  return [
    ...(detected ? [`detected ${stageWords(detected)}`] : []),
    ...(failedOver ? [`failed over ${stageWords(failedOver)}`] : []),
    ...(second ? [secondWords(second)] : []),
    ...(cost
      ? [`cost ${shareWords(cost.share)} of 30 days' budget (${cost.objective}, burn rate ${burnWords(cost.burnRate)})`]
      : []),
  ].join('; ');
}
