// Ids of runs: those that one command plays one after the other share a session and are numbered, so that whoever reads a marker in the
// database can tell whether its document is of this run, of an earlier one or of a later one.

export interface SessionRun {
  readonly session: string;
  readonly number: number;
}

/** `rabc-02`. Every marker of a run begins with its id and a dash, so no id is the beginning of another run's markers. */
export const runIdOf = (session: string, number: number): string => `${session}-${String(number).padStart(2, '0')}`;

/** Undefined for an id that is of no session. */
export function sessionOf(runId: string): SessionRun | undefined {
  const [, session, number] = /^(.+)-(\d{2,})$/.exec(runId) ?? [];
  return session === undefined ? undefined : { session, number: Number(number) };
}

export const isMarkerOf = (runId: string, marker: string): boolean => marker.startsWith(`${runId}-`);
