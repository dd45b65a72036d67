// Whether a defect turned exactly its own checks: what its healthy twin said, and what is said now.
import { type Outcome, severity, type Verdict } from '../lib/model/verdict.ts';
import type { Turning } from './defect.ts';

export type Seen = { readonly is: 'caught' } | { readonly is: 'missed' | 'false-alarm'; readonly why: string };

export function compare({ turns, besides = {}, may = {} }: Turning, twin: Verdict, seeded: Verdict): Seen {
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
  const others = changed.filter((check) => !(check in turns) && !(check in besides) && !(check in may));
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
