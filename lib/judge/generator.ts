// The load generator's own account: did it have the processor time that it wanted, and were its virtual users busy with the target rather
// than with themselves? A generator that is short of something is late, and its lateness would be told as the target's.
import type { Evidence } from '../model/evidence.ts';
import type { Finding } from '../model/verdict.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { counted, duration, evenSum, percent, rounded } from './numbers.ts';
import { loadEndIn } from './phases.ts';

/** Above this share of all processors it may have wanted more than there was. */
const processorShareMax = 0.8;
/**
 * What an iteration may take beside its operation: asking for the permit, planning it, waiting for a processor. A scan is to be answered
 * within 200 ms; a generator that is late by half of that measures itself.
 */
const overheadMsMax = 100;

/** Nothing of runs that are older than the account. */
export function judgeGenerator(evidence: RunTables): readonly Finding[] {
  const { generator } = loadEndIn(evidence.journal) ?? {};
  return generator ? [judgeProcessor(generator), judgeBusy(evidence, generator)] : [];
}

type Account = NonNullable<Extract<Evidence['journal'][number], { readonly kind: 'load' }>['generator']>;

function judgeProcessor({ processors, busiest }: Account): Finding {
  const check = 'load.processor';
  const most = busiest.processorSeconds / (busiest.windowMs / 1000) / processors;
  // A process that runs has used something: nothing means that it could not be read.
  if (!(most > 0))
    return {
      check,
      outcome: 'inconclusive',
      says: 'Nobody could read how much processor time the load generator used.',
    };
  const enough = most <= processorShareMax;
  return {
    check,
    outcome: enough ? 'passed' : 'inconclusive',
    says: `In its busiest ${duration(busiest.windowMs)} the load generator used ${percent(most)} of ${counted(processors, 'processor')}, wanted at most ${percent(processorShareMax)}${enough ? '' : ': what was late may have been late by its fault'}.`,
    measured: rounded(most),
    bound: `≤ ${percent(processorShareMax)}`,
    unit: 'share',
  };
}

/** Little's law from two sides: virtual users that k6 itself counts as busy, and those that the operations on record explain. */
function judgeBusy({ operations }: RunTables, { iterations, iterationSeconds }: Account): Finding {
  const check = 'load.busy';
  let answered = 0;
  const explained = evenSum();
  for (const { count, durationMs } of operations.blocks())
    for (let row = 0; row < count; row++) {
      const ms = durationMs[row] as number;
      if (Number.isNaN(ms)) continue;
      answered += 1;
      explained.add(ms);
    }
  if (answered === 0 || iterations === 0)
    return {
      check,
      outcome: 'inconclusive',
      says: 'No iteration came to its end, so nobody can tell what kept the virtual users busy.',
    };
  const explainedMs = explained.total;
  const overheadMs = (iterationSeconds * 1000 - explainedMs) / iterations;
  // Times are whole milliseconds on one side: an operation can't take longer than its iteration by more than that.
  const fits = overheadMs <= overheadMsMax && overheadMs >= -1;
  const told = `k6 counts ${rounded(iterationSeconds)} s of busy virtual users in ${counted(iterations, 'iteration')}, the operations on record explain ${rounded(explainedMs / 1000)} s`;
  return {
    check,
    outcome: fits ? 'passed' : 'inconclusive',
    says: fits
      ? `${told}: ${duration(Math.max(0, overheadMs))} of its own for each, wanted at most ${duration(overheadMsMax)}.`
      : `${told}: ${overheadMs < 0 ? 'more than there was' : `${duration(overheadMs)} of its own for each, wanted at most ${duration(overheadMsMax)}`}. Its samples do not tell what its users did.`,
    measured: rounded(overheadMs),
    bound: `≤ ${overheadMsMax}`,
    unit: 'ms',
  };
}
