// What one run keeps of the load: its lines of samples.ndjson verbatim, its events, and the generator's account of the same stretch. It may
// begin before its run does, in the time of the run before, whose end is its steady state: its lines are kept in memory until it has a file.
import { closeSync, fsyncSync } from 'node:fs';
import { parseSample } from '../evidence/samples.ts';
import type { GeneratorAccount, Instant } from '../model/evidence.ts';
import type { LoadEvent } from '../model/load-driver.ts';
import { runFiles } from '../model/run-folder.ts';
import type { Point } from './points.ts';
import { busiestWindowMs, type ProcessorStretch } from './processor-time.ts';
import { writeAll } from './samples-file.ts';

export interface Recording {
  /** Points in their order. Throws when the samples can't be written. */
  take(points: readonly Point[]): void;
  /** What was cut off when k6 was killed. */
  takeRest(text: string): void;
  /** Everything so far is replayed to a new listener. */
  listen(listener: (event: LoadEvent) => void): () => void;
  /** From the time on nothing of that run is kept any more, and no drop. */
  endAt(at: Instant, nextRunId: string): void;
  /** Writes what was kept so far into this open file, and goes on there until it is closed. */
  writeTo(samples: number): void;
  /** All that was kept is on disk. Idempotent. */
  close(): void;
  account(processors: number): { readonly processorSeconds: number; readonly generator: GeneratorAccount };
  /** Operations answered, and iterations ended, of a run. */
  endedOf(runId: string): { readonly operations: number; readonly iterations: number };
  /** What was wrong with the lines themselves. */
  readonly troubles: ReadonlySet<string>;
}

export function openRecording(stretch: ProcessorStretch): Recording {
  const events: LoadEvent[] = [];
  const listeners = new Set<(event: LoadEvent) => void>();
  const troubles = new Set<string>();
  const operationsOf = new Map<string, number>();
  const iterationsOf = new Map<string, number>();
  let kept: string[] = [];
  let file: number | undefined;
  let closed = false;
  let end: { readonly at: Instant; readonly nextRunId: string } | undefined;
  let iterations = 0;
  let iterationMs = 0;

  const keep = (text: string) => {
    if (text === '') return;
    if (file === undefined) kept.push(text);
    else writeAll(file, text);
  };
  const isNext = (run: string | undefined) => end !== undefined && run === end.nextRunId;
  const countOf = (counts: Map<string, number>, run = '') => counts.set(run, (counts.get(run) ?? 0) + 1);

  /** The line when it is the run's. */
  function sampleTaken(line: string): string {
    const sample = parseSample(line);
    if (sample?.kind === 'unreadable') troubles.add(`a line of ${runFiles.samples} can't be read: ${sample.what}`);
    if (sample?.kind === 'drop' && end !== undefined && sample.drop.at >= end.at) return '';
    if ((sample?.kind === 'operation' || sample?.kind === 'write-sent') && isNext(sample.operation.run)) return '';
    if (sample?.kind === 'operation' || sample?.kind === 'drop') {
      if (sample.kind === 'operation') countOf(operationsOf, sample.operation.run);
      events.push(sample);
      for (const listener of listeners) listener(sample);
    }
    return `${line}\n`;
  }

  return {
    troubles,
    take(points) {
      if (closed) return;
      const lines: string[] = [];
      for (const point of points) {
        if (point.kind === 'sample') lines.push(sampleTaken(point.line));
        else if (point.kind !== 'iteration-failed' && !isNext(point.run)) {
          if (point.kind === 'iteration-time') iterationMs += point.ms;
          else {
            iterations += 1;
            countOf(iterationsOf, point.run);
          }
        }
      }
      keep(lines.join(''));
    },
    takeRest: keep,
    listen(listener) {
      for (const event of events) listener(event);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    endAt(at, nextRunId) {
      end = { at, nextRunId };
    },
    writeTo(samples) {
      file = samples;
      writeAll(samples, kept.join(''));
      kept = [];
    },
    close() {
      closed = true;
      stretch.end();
      if (file === undefined) return;
      const open = file;
      file = undefined;
      try {
        fsyncSync(open);
      } finally {
        closeSync(open);
      }
    },
    account: (processors) => ({
      processorSeconds: stretch.seconds,
      generator: {
        processors,
        busiest: { windowMs: busiestWindowMs, processorSeconds: stretch.busiestSeconds },
        iterations,
        iterationSeconds: iterationMs / 1000,
      },
    }),
    endedOf: (runId) => ({
      operations: operationsOf.get(runId) ?? 0,
      iterations: iterationsOf.get(runId) ?? 0,
    }),
  };
}
