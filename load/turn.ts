// One iteration of one journey: what it is about to do, known before anything is sent, and how to do it.
import type { Write } from '../lib/model/evidence.ts';
import type { LoadTask } from '../lib/model/load-task.ts';
import type { Answer } from './classify.ts';

/** One HTTP exchange with the site, never repeated. */
export type Send = (method: 'GET' | 'POST' | 'PUT', path: string, body?: unknown, how?: Manner) => Answer;

export interface Manner {
  /** Whose request it is: the virtual user's own technician, by token, when left out. A colleague has another token; a session its cookie. */
  readonly as?: 'colleague' | 'nobody' | { readonly sid: string };
  /** The body is bytes of this type, no JSON. */
  readonly contentType?: string;
}

/** What a journey may want beside HTTP; the world outside of k6 has its own for tests. */
export interface Tools {
  /** Hexadecimal. */
  md5(bytes: ArrayBuffer): string;
  /** A WebSocket to the site, as the virtual user's own technician; `path` begins with a slash. */
  open(path: string): Socket;
  /** Calls back once, unless it is told not to. */
  after(ms: number, call: () => void): () => void;
  now(): number;
}

export interface Socket {
  send(text: string): void;
  close(): void;
  /** Texts in their order; `undefined` when nothing will come any more. */
  listen(listener: (text: string | undefined) => void): void;
}

export interface Turn {
  /** `cancelled` when the document will be taken back: until the answer nobody knows whether it was. */
  readonly write?: Pick<Write, 'marker' | 'lines' | 'cancelled'>;
  play(send: Send, tools: Tools): Result | Promise<Result>;
}

/** Most journeys want nothing but HTTP, one exchange after the other. */
export interface PlainTurn extends Turn {
  play(send: Send): Result;
}

export interface Result {
  /** Right status and right content; whether it was in time is asked by whoever holds the clock. */
  readonly right: boolean;
  /** HTTP status of the last exchange. */
  readonly status: number;
  readonly excType?: string;
  readonly write?: Pick<Write, 'outcome' | 'document' | 'cancelled'>;
}

/** The same task and iteration make the same turn; `technician` is the virtual user's own, for who has to log in. */
export type Plan = (task: LoadTask, iteration: number, technician: number) => Turn;
export type PlainPlan = (task: LoadTask, iteration: number) => PlainTurn;
