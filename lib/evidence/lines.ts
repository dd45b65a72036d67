// Whether a line of evidence has the shape that the judge reads, to the depth to which it reads: a line that has another one is told as damage,
// so that the judge neither stumbles over it nor takes a word for a number. What it does not read may be anything.

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

/** Until 2100: what lies outside is no time that a run can have seen, and would make phases of a million years. */
const latestInstant = Date.UTC(2100, 0);

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number' && Number.isFinite(value);
export const instant: Check = (value) => number(value) && (value as number) >= 0 && (value as number) <= latestInstant;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
/** A value that JSON could not write, such as NaN, stands there as null. */
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value);
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);
const recordOf =
  (check: Check): Check =>
  (value) =>
    isFields(value) && Object.values(value).every(check);
const fields =
  (checks: Readonly<Record<string, Check>>): Check =>
  (value) => {
    if (!isFields(value)) return false;
    for (const key in checks) if (!checks[key]?.(value[key])) return false;
    return true;
  };

export const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const header = fields({
  schema: text,
  scenario: text,
  runId: text,
  seed: number,
  commit: text,
  repeat: text,
  target: fields({ name: text, environment: text }),
  versions: recordOf(text),
  steadyOf: optional(text),
  load: fields({
    profile: text,
    ratesPerSecond: recordOf(number),
    shapes: optional(recordOf(listOf(fields({ atMs: number, perSecond: number })))),
    virtualUsers: optional(recordOf(number)),
    leftOut: optional(listOf(fields({ journey: text, why: text }))),
    stallBudgetMs: number,
    virtualUsersMax: number,
  }),
});

const generator = fields({
  processors: number,
  busiest: fields({ windowMs: number, processorSeconds: number }),
  iterations: number,
  iterationSeconds: number,
});

const journalKinds: Readonly<Record<string, Check>> = {
  header: fields({ header }),
  guard: fields({ name: text, is: text, seen: text }),
  phase: fields({ phase: text, of: optional(text) }),
  step: fields({
    fault: text,
    step: text,
    proof: optional(fields({ is: text, at: instant })),
    error: optional(text),
  }),
  reading: fields({ series: text, value: optional(orNull(number)), missing: optional(text) }),
  note: fields({ text }),
  load: fields({
    event: text,
    exitCode: optional(orNull(number)),
    detail: optional(text),
    processorSeconds: optional(number),
    generator: optional(generator),
  }),
  ended: fields({ ended: text, reason: optional(text) }),
};
const timed = fields({ at: instant, mono: number });

export const isJournalLine = (line: Fields): boolean => timed(line) && isOfKind(journalKinds, line);

const moves = listOf(fields({ item: text, warehouse: text, qty: number }));
const place = { node: text, when: text, at: instant, item: text, warehouse: text } as const;

const ledgerKinds: Readonly<Record<string, Check>> = {
  document: fields({
    document: fields({
      node: text,
      round: number,
      at: instant,
      marker: text,
      name: text,
      docstatus: number,
      lines: moves,
    }),
  }),
  stock: fields({
    level: fields({ ...place, ledgerSum: number, bin: number, lastRunning: number, runningMin: number }),
  }),
  moved: fields({ moved: fields({ ...place, whose: text, qty: number, documents: number }) }),
  read: fields({ node: text, round: number, at: instant, what: text, error: optional(text) }),
  'job-rows': fields({ rows: fields({ node: text, marker: text, document: text, jobs: listOf(text) }) }),
  'queued-job': fields({ queued: fields({ document: text, job: text, state: text, why: optional(text) }) }),
  'jobs-read': fields({ of: text, from: text, documentsOf: instant, at: instant, error: optional(text) }),
};

export const isLedgerLine = (line: Fields): boolean => isOfKind(ledgerKinds, line);

/** What Prometheus answered is looked at by the judge itself. */
export const isRangeResponse: (line: Fields) => boolean = fields({
  objective: text,
  replica: text,
  query: text,
  from: instant,
  to: instant,
  stepMs: number,
  error: optional(text),
});

const isOfKind = (kinds: Readonly<Record<string, Check>>, line: Fields): boolean =>
  typeof line.kind === 'string' && Object.hasOwn(kinds, line.kind) && kinds[line.kind]?.(line) === true;
