// Whether many technicians were at work, or one for all of them: somebody who shares a session, a cache entry and a rate limit with nobody but
// himself meets none of what many meet. A virtual user always has the same technician's token, and they take turns.
import type { Finding } from '../model/verdict.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { counted } from './numbers.ts';

/** Of those that were planned. */
const shareMin = 0.5;

/** Nothing of runs that are older than the number. */
export function judgeTechnicians({ journal, technicians }: RunTables): readonly Finding[] {
  const planned = journal.find((line) => line.kind === 'header')?.header.load.technicians;
  if (planned === undefined) return [];
  const min = Math.max(1, Math.ceil(shareMin * planned));
  const enough = technicians.size >= min;
  return [
    {
      check: 'load.technicians',
      outcome: enough ? 'passed' : 'inconclusive',
      says: enough
        ? `${counted(technicians.size, 'technician')} of ${planned} were at work.`
        : technicians.size === 0
          ? `No operation says whose it was, of ${counted(planned, 'technician')} planned.`
          : `Only ${counted(technicians.size, 'technician')} of ${planned} did all of it, wanted at least ${min}: what many meet, one does not.`,
      measured: technicians.size,
      bound: `≥ ${min}`,
      unit: 'technicians',
    },
  ];
}
