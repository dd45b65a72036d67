// One iteration of one journey: what it is about to do, known before anything is sent, and how to do it.
import type { Write } from '../lib/model/evidence.ts';
import type { LoadTask } from '../lib/model/load-task.ts';
import type { Answer } from './classify.ts';

/** One HTTP exchange with the site, never repeated. */
export type Send = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown) => Answer;

export interface Turn {
  readonly write?: Pick<Write, 'marker' | 'lines'>;
  play(send: Send): Result;
}

export interface Result {
  /** Right status and right content; whether it was in time is asked by whoever holds the clock. */
  readonly right: boolean;
  /** HTTP status of the last exchange. */
  readonly status: number;
  readonly excType?: string;
  readonly write?: Pick<Write, 'outcome' | 'document'>;
}

/** The same task and iteration make the same turn. */
export type Plan = (task: LoadTask, iteration: number) => Turn;
