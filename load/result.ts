// What an answer comes to in journeys that leave nothing in the ledger.
import { type Answer, excTypeOf } from './classify.ts';
import type { Result } from './turn.ts';

export const isDone = ({ status, error }: Answer): boolean => status === 200 && error === '';

/** `right` is what its content says; nothing is right that was not answered well. */
export function resultOf(answer: Answer, right: boolean): Result {
  const excType = excTypeOf(answer);
  return { right: right && isDone(answer), status: answer.status, ...(excType ? { excType } : {}) };
}
