// Plays each scenario once without and then with each of its defects, and compares what the judge said. A defect is taken away before anything
// else is played, and whatever happens: the lab is used by others afterwards.
import type { Verdict } from '../../lib/model/verdict.ts';
import { compare } from '../compare.ts';
import type { SelftestResult } from '../run-selftest.ts';
import type { Hands, LabDefect } from './lab-defect.ts';

export interface Played {
  readonly verdict: Verdict;
  /** Ended before its fault, because the lab was not as it must be. */
  readonly aborted: boolean;
}

export interface LabTier {
  /** `seed` is called as soon as its progress says `when`; that it throws ends in the promise. */
  play(
    scenario: string,
    during?: { readonly when: string; readonly seed: (over: AbortSignal) => Promise<void> },
  ): Promise<Played>;
  hands(over: AbortSignal): Hands;
  say(text: string): void;
  /** Nothing more is played; what is seeded is taken away. */
  readonly signal: AbortSignal;
}

export interface LabSelftestResult extends SelftestResult {
  /** What could not be taken away: the lab is not as it was. */
  readonly left: readonly { readonly defect: string; readonly why: string }[];
}

export const nameOf = ({ family, name }: LabDefect): string => `${family}/${name}`;

export async function runLabSelftest(tier: LabTier, defects: readonly LabDefect[]): Promise<LabSelftestResult> {
  const caught: string[] = [];
  const missed: { defect: string; why: string }[] = [];
  const falseAlarms: { of: string; why: string }[] = [];
  const left: { defect: string; why: string }[] = [];
  const scenarios = [...new Set(defects.map(({ on }) => on))];
  for (const scenario of scenarios) {
    if (tier.signal.aborted) break;
    const twin = await healthyTwin(scenario);
    for (const defect of defects.filter(({ on }) => on === scenario)) {
      if (tier.signal.aborted || left.length > 0) break;
      const name = nameOf(defect);
      tier.say(`self-test: ${name} on ${scenario}: ${defect.seeds}`);
      const seeded = await withDefect(defect).catch((error: unknown) => {
        missed.push({ defect: name, why: `it could not be seeded: ${messageOf(error)}` });
        return undefined;
      });
      if (!seeded) continue;
      const seen = compare(defect, twin, seeded.verdict);
      if (seen.is === 'caught') caught.push(name);
      else if (seen.is === 'missed') missed.push({ defect: name, why: seen.why });
      else falseAlarms.push({ of: name, why: seen.why });
      tier.say(`self-test: ${name}: ${seen.is === 'caught' ? 'caught' : `${seen.is}: ${seen.why}`}`);
    }
  }
  return { caught, missed, falseAlarms, controls: scenarios.length, left };

  async function healthyTwin(scenario: string): Promise<Verdict> {
    tier.say(`self-test: ${scenario} without any defect`);
    let { verdict } = await tier.play(scenario);
    // Once more, because what was done to the lab before may still be felt.
    if (verdict.outcome !== 'passed' && !tier.signal.aborted) ({ verdict } = await tier.play(scenario));
    if (verdict.outcome !== 'passed' && !tier.signal.aborted) {
      const why = verdict.findings.filter(({ outcome }) => outcome !== 'passed').map(({ says }) => says);
      falseAlarms.push({ of: `control/${scenario}`, why: why.join(' ') });
    }
    return verdict;
  }

  async function withDefect(defect: LabDefect): Promise<Played> {
    const over = new AbortController();
    try {
      const { when } = defect;
      if (when === undefined) await defect.seed(tier.hands(over.signal));
      const play = () =>
        tier.play(
          defect.on,
          when === undefined ? undefined : { when, seed: (ended) => defect.seed(tier.hands(ended)) },
        );
      const played = await play();
      return played.aborted && when === undefined ? await play() : played;
    } finally {
      over.abort();
      await defect.undo(tier.hands(over.signal)).catch((error: unknown) => {
        left.push({ defect: nameOf(defect), why: messageOf(error) });
      });
    }
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
