// Operations of some journeys in one phase, counted and handed on without ever being held as objects.
import { answeredBit, type Block, goodBit, isInMask, type OperationTable } from '../tables/operation-table.ts';
import { evenSum } from './numbers.ts';
import { isOf, rangeOf, type Span } from './phases.ts';

export interface PhaseCount {
  /** Answered or given up. */
  readonly ended: number;
  readonly good: number;
  /** Of those that ended. */
  readonly answered: number;
  /** All that were sent, also those of which no end was seen. */
  readonly sent: number;
  readonly answeredMs: number;
}

export function countIn(operations: OperationTable, span: Span, mask: number): PhaseCount {
  let [ended, good, answered, sent] = [0, 0, 0, 0];
  const sum = evenSum();
  for (const block of operations.blocks(rangeOf(span)))
    for (let row = 0; row < block.count; row++) {
      if (!counts(block, row, span, mask)) continue;
      sent += 1;
      const ms = block.durationMs[row] as number;
      if (Number.isNaN(ms)) continue;
      ended += 1;
      const code = block.code[row] as number;
      if (code & goodBit) good += 1;
      if (code & answeredBit) {
        answered += 1;
        sum.add(ms);
      }
    }
  return { ended, good, answered, sent, answeredMs: sum.total };
}

/** Of those that were answered, in blocks that are valid until the next one is asked for. */
export function* latenciesIn(operations: OperationTable, span: Span, mask: number): Generator<Float64Array> {
  let some = new Float64Array(0);
  for (const block of operations.blocks(rangeOf(span))) {
    if (some.length < block.count) some = new Float64Array(block.count);
    let count = 0;
    for (let row = 0; row < block.count; row++) {
      const ms = block.durationMs[row] as number;
      if (!((block.code[row] as number) & answeredBit) || Number.isNaN(ms) || !counts(block, row, span, mask)) continue;
      some[count] = ms;
      count += 1;
    }
    yield some.subarray(0, count);
  }
}

const counts = ({ sentAt, durationMs, code }: Block, row: number, span: Span, mask: number): boolean =>
  isInMask(mask, code[row] as number) && isOf(sentAt[row] as number, durationMs[row] as number, span);
