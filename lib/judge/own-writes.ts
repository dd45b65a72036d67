// Which writes a run must account for. One that shares its steady state with the run before has that run's operations in its samples too:
// they tell what users felt, but their writes carry the other run's markers, and that run looks for them.
import type { Evidence, Operation, Write } from '../model/evidence.ts';
import { isMarkerOf } from '../model/run-ids.ts';

type OfRun = Pick<Evidence, 'journal' | 'operations'>;

/** Operations that wrote, but for those of the run that the header names: a marker that fits nowhere is never waved through. */
export function ownWriting({ journal, operations }: OfRun): readonly (Operation & { readonly write: Write })[] {
  const other = journal.find((line) => line.kind === 'header')?.header.steadyOf;
  return operations.flatMap((operation) => {
    const { write } = operation;
    return write && !(other !== undefined && isMarkerOf(other, write.marker)) ? [{ ...operation, write }] : [];
  });
}

export const ownWrites = (evidence: OfRun): readonly Write[] => ownWriting(evidence).map(({ write }) => write);
