// Picks from k6's stream of points the lines that are evidence, verbatim, and counts those that are only a check on us.
import { sampleMetrics } from '../evidence/samples.ts';

export interface Points {
  /** Whole lines of samples.ndjson. */
  readonly samples: readonly string[];
  readonly iterations: number;
  readonly iterationsFailed: number;
  /** What k6 itself measured of these iterations. */
  readonly iterationMs: number;
}

export interface PointStream {
  push(chunk: Buffer): Points;
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
      const lines = bytes.toString('utf8', 0, end).split('\n');
      return {
        samples: lines.filter((line) => wanted.some((start) => line.startsWith(start))),
        iterations: lines.filter((line) => line.startsWith(iteration)).length,
        iterationsFailed: lines.filter((line) => line.startsWith(iterationFailed)).length,
        iterationMs: lines.reduce(
          (sum, line) => sum + (line.startsWith(iterationDuration) ? millisecondsOf(line) : 0),
          0,
        ),
      };
    },
    rest() {
      const text = cut.toString('utf8');
      return wanted.some((start) => text.startsWith(start)) ? text : '';
    },
  };
}

/** Of a point; nothing when there is none, so that the sum shows it. */
const millisecondsOf = (line: string): number => Number(/"value":([\d.e+-]+)/.exec(line)?.[1] ?? 0);
