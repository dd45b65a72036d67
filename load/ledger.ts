// What was sent and what came back, as k6 points: the driver keeps them verbatim in samples.ndjson, lib/evidence/samples.ts reads them.
// A write is put on record before it goes out. When k6 dies in between, the marker is known and its outcome is not.
import exec from 'k6/execution';
import { Counter, Trend } from 'k6/metrics';
import type { Journey } from '../lib/model/claim.ts';
import { type Exchange, exchangesText } from '../lib/model/exchanges.ts';
import type { Result, Turn } from './turn.ts';

const operation = new Trend('operation');
const writeSent = new Counter('write_sent');
const iterationFailed = new Counter('iteration_failed');

/** All that the virtual user tells from now on is of this run, also what k6 itself tells of the iteration: it stays until the next one. */
export function belongsTo(run: string): void {
  exec.vu.metrics.metadata.run = run;
}

/** Who writes: virtual users and technicians are many, so they are metadata and no tags. */
export interface Writer {
  readonly virtualUser: number;
  /** The technician's login name. */
  readonly user?: string;
}

export function recordWriteSent(
  journey: Journey,
  sentAt: number,
  write: NonNullable<Turn['write']>,
  writer: Writer,
): void {
  withMetadata({ sentAt, ...identity(write), ...taken(write), ...writer }, () => writeSent.add(1, { journey }));
}

export function recordOperation(
  journey: Journey,
  sentAt: number,
  durationMs: number,
  good: boolean,
  technician: number,
  result: Result,
  write: Turn['write'],
  writer: Writer,
  exchanges: readonly Exchange[],
  error: string,
): void {
  withMetadata(
    {
      sentAt,
      technician,
      status: result.status,
      ...(result.excType ? { excType: result.excType } : {}),
      ...(write && result.write
        ? {
            ...identity(write),
            write: result.write.outcome,
            ...(result.write.document ? { document: result.write.document } : {}),
            ...taken(result.write),
            ...writer,
            ...(exchanges.length > 0 ? { exchanges: exchangesText(exchanges) } : {}),
            ...(error ? { error: error.slice(0, 200) } : {}),
          }
        : {}),
    },
    () => operation.add(durationMs, { journey, outcome: good ? 'good' : 'bad' }),
  );
}

/** Counted by the driver, which then says that the load itself was at fault. */
export function recordIterationFailed(journey: Journey): void {
  iterationFailed.add(1, { journey });
}

const identity = ({ marker, lines }: NonNullable<Turn['write']>) => ({
  marker,
  lines: JSON.stringify(lines.map(({ item, warehouse, qty }) => [item, warehouse, qty])),
});

const taken = ({ cancelled }: Pick<NonNullable<Turn['write']>, 'cancelled'>) => (cancelled ? { cancelled } : {});

/** Metadata makes no time series, unlike tags. It stays with the virtual user until taken away, and would stick to k6's own points. */
function withMetadata(values: Readonly<Record<string, string | number>>, add: () => void): void {
  const { metadata } = exec.vu.metrics;
  for (const [key, value] of Object.entries(values)) metadata[key] = value;
  try {
    add();
  } finally {
    for (const key of Object.keys(values)) delete metadata[key];
  }
}
