// An error answers four questions: what went wrong, where, what was seen, what to do next.
// The kind is what a caller, or a CI job, can do about it; the CLI maps it to an exit code.
import { exitCodes } from './model/verdict.ts';

/**
 * `usage`: bad arguments, scenario or target file. `target-unusable`: the target or this machine can't be used or asked.
 * `internal`: our own bug. `interrupted`: a person or the system ended it.
 */
export type ProblemKind = 'usage' | 'target-unusable' | 'internal' | 'interrupted';

export interface ProblemAnswers {
  readonly kind: ProblemKind;
  readonly what: string;
  readonly where: string;
  readonly seen: string;
  readonly next: string;
  readonly cause?: unknown;
  /** HTTP status of the API's answer, when there was one: callers tell 409 from 404 by it. */
  readonly code?: number;
}

/** Reads `<where>: <what>: <seen>. Next: <next>`. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly kind: ProblemKind;
  readonly what: string;
  readonly where: string;
  readonly seen: string;
  readonly next: string;
  readonly code?: number;
  constructor(answers: ProblemAnswers) {
    const { kind, what, where, seen, next, cause, code } = answers;
    super(`${where}: ${what}: ${seen}. Next: ${next}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.what = what;
    this.where = where;
    this.seen = seen;
    this.next = next;
    if (code !== undefined) this.code = code;
  }
}

/** An error that is no Problem was expected by nobody: our own bug. Of several at once the first decides, unless one was not expected. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.every((one) => one instanceof Problem) ? exitCodeOf(error.errors[0]) : exitCodes.internal;
  if (!(error instanceof Problem)) return exitCodes.internal;
  return {
    usage: exitCodes.usage,
    'target-unusable': exitCodes.inconclusive,
    internal: exitCodes.internal,
    interrupted: exitCodes.interrupted,
  }[error.kind];
}

/** One line for a person, whatever was thrown. AggregateErrors (a refused connection has one) keep their text in their parts. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  if (error instanceof Error) return error.message === '' ? error.name : error.message;
  // WebSocket libraries reject with an event that carries the message.
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}
