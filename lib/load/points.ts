// Picks from k6's stream of points the lines that are evidence, verbatim, and those that are only a check on us.
import { sampleMetrics } from '../evidence/samples.ts';

/** In their order; `run` is the run that the iteration was for, when the point says so. */
export type Point =
  /** A whole line of samples.ndjson. */
  | { readonly kind: 'sample'; readonly line: string }
  | { readonly kind: 'iteration'; readonly run?: string }
  | { readonly kind: 'iteration-failed' }
  /** What k6 itself measured of an iteration. */
  | { readonly kind: 'iteration-time'; readonly ms: number; readonly run?: string };

export interface PointStream {
  push(chunk: Buffer): readonly Point[];
  /** What is left when k6 was killed in the middle of a line; kept when it could be evidence, the judge calls it damage. */
  rest(): string;
}

const startOf = (metric: string): string => `{"metric":"${metric}","type":"Point"`;
const wanted = Object.values(sampleMetrics).map(startOf);
const iteration = startOf('iterations');
const iterationFailed = startOf('iteration_failed');
const iterationDuration = startOf('iteration_duration');

export function pointStream(): PointStream {
  let cut: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = cut.length > 0 ? Buffer.concat([cut, chunk]) : chunk;
      // Cut at a newline, never inside a character.
      const end = bytes.lastIndexOf(0x0a) + 1;
      cut = bytes.subarray(end);
      return bytes
        .toString('utf8', 0, end)
        .split('\n')
        .flatMap((line) => pointOf(line) ?? []);
    },
    rest() {
      const text = cut.toString('utf8');
      return wanted.some((start) => text.startsWith(start)) ? text : '';
    },
  };
}

function pointOf(line: string): Point | undefined {
  if (wanted.some((start) => line.startsWith(start))) return { kind: 'sample', line };
  if (line.startsWith(iteration)) return { kind: 'iteration', ...runIn(line) };
  if (line.startsWith(iterationFailed)) return { kind: 'iteration-failed' };
  if (line.startsWith(iterationDuration)) return { kind: 'iteration-time', ms: millisecondsIn(line), ...runIn(line) };
  return undefined;
}

/** Of a point; nothing when there is none, so that the sum shows it. */
const millisecondsIn = (line: string): number => Number(/"value":([\d.e+-]+)/.exec(line)?.[1] ?? 0);

/** Of its metadata; a run's id needs no escapes. */
function runIn(line: string): { readonly run?: string } {
  const run = /"run":"([A-Za-z0-9-]+)"/.exec(line)?.[1];
  return run === undefined ? {} : { run };
}
