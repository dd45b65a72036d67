// The same evidence gives the same bytes: in whichever folder it lies, and in whichever order its lines stand, but for the journal's, whose
// order is the order of time.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { verdictJson } from '../../lib/judge/verdict-json.ts';
import { acknowledgedInFault, losing, sharing, smallRun } from '../fixtures/evidence.ts';
import { filesOf, holds, judgedFiles, linesOf, type RunFiles, textOf } from './run-files.ts';

const runs = {
  passes: smallRun(),
  'lost writes': losing(smallRun(), acknowledgedInFault(smallRun()).slice(0, 3), ['galera-1']),
  'took the load over': sharing(smallRun({ steadyMs: 40_000 })),
};

const unordered = ['samples.ndjson', 'ledger.ndjson', 'prometheus.ndjson'] as const;

/** The same shuffle for the same number: mulberry32, Fisher and Yates. */
function shuffled<T>(all: readonly T[], seed: number): readonly T[] {
  const some = [...all];
  let state = seed;
  for (let last = some.length - 1; last > 0; last--) {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    const other = ((bits ^ (bits >>> 14)) >>> 0) % (last + 1);
    [some[last], some[other]] = [some[other] as T, some[last] as T];
  }
  return some;
}

it.each(Object.entries(runs))('a run that %s: the order of lines tells nothing', async (_what, evidence) => {
  const files = await filesOf(evidence);
  const bytes = verdictJson((await judgedFiles(files, 'kept')).verdict);
  const property = fc.asyncProperty(fc.integer(), fc.constantFrom(...unordered, 'all'), async (seed, which) => {
    const other: Record<string, string> = { ...files };
    for (const file of unordered)
      if (which === 'all' || which === file) other[file] = textOf(shuffled(linesOf(files[file] ?? ''), seed));
    // A file in another order has another SHA-256.
    expect(verdictJson((await judgedFiles(other, 'anew')).verdict)).toBe(bytes);
  });
  await holds(property, 12);
});

it('a shuffled file is another one to the manifest', async () => {
  const files = await filesOf(runs.passes);
  const lines = shuffled(linesOf(files['ledger.ndjson'] ?? ''), 1);
  const other: RunFiles = { ...files, 'ledger.ndjson': textOf(lines) };
  expect((await judgedFiles(other, 'kept')).verdict.outcome).toBe('inconclusive');
});
