// Taking evidence away never makes a verdict better. The order, from the best on: passed, inconclusive, failed. What is held to here:
//
// 1. Under the manifest that the run left, whatever is taken away, be it a byte, nothing passes, and the manifest names the file.
// 2. Under a new manifest, as if it had never been recorded:
//    - a run that passed does not pass without anything that the judge needs: a file, the rest of the journal from any line on, its header,
//      guards, phases or proofs, the reading of a Galera node, the answers of Prometheus;
//    - a run that is not passed for want of something (a lost write, a proof, an answer, an end) does not pass for want of more.
//
// What can't hold under a new manifest: a breach of which one line tells, such as a write that is there twice, is not seen without that
// line. Nothing in the rest tells of it; hence the manifest, and 1. Failed may become inconclusive: who sees less can't show as much.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Evidence, JournalLine } from '../../lib/model/evidence.ts';
import { acknowledgedInFault, journalWith, ledgerWith, losing, smallRun } from '../fixtures/evidence.ts';
import { filesOf, holds, judgedFiles, lineFiles, linesOf, type RunFiles, textOf } from './run-files.ts';

const whole = smallRun();
const files = await filesOf(whole);

const share = fc.double({ min: 0, max: 1, noNaN: true });
const at = (length: number, part: number) => Math.min(length - 1, Math.floor(part * length));

interface Taking {
  readonly file: string;
  readonly what: string;
  readonly take: (text: string) => string;
}

const taking = (names: readonly string[]): fc.Arbitrary<Taking> =>
  fc
    .record({
      file: fc.constantFrom(...names),
      how: fc.constantFrom('bytes', 'end', 'lines', 'one line', 'last lines', 'all'),
      from: share,
      much: share,
    })
    .map(({ file, how, from, much }) => ({
      file,
      what: `${how} of ${file}, from ${from}, ${much}`,
      take(text: string): string {
        const lines = linesOf(text);
        const begin = at(text.length, from);
        switch (how) {
          case 'bytes':
            return text.slice(0, begin) + text.slice(begin + 1 + at(400, much));
          case 'end':
            return text.slice(0, begin);
          case 'lines':
            // One in so many, over the whole file.
            return textOf(lines.filter((_, index) => (index + at(97, from)) % (2 + at(20, much)) !== 0));
          case 'one line':
            return textOf(lines.filter((_, index) => index !== at(lines.length, from)));
          case 'last lines':
            return textOf(lines.slice(0, at(lines.length, from)));
          default:
            return '';
        }
      },
    }));

const without = (from: RunFiles, { file, take }: Taking): RunFiles => ({ ...from, [file]: take(from[file] ?? '') });

it('under the manifest that the run left, nothing passes without a byte of what it was', async () => {
  const property = fc.asyncProperty(taking(lineFiles), async (one) => {
    const left = without(files, one);
    fc.pre(left[one.file] !== files[one.file]);
    const { verdict } = await judgedFiles(left, 'kept');
    expect(verdict.outcome).not.toBe('passed');
    const manifest = verdict.findings.find(({ check }) => check === 'run.manifest');
    expect(manifest?.outcome).toBe('inconclusive');
    expect(manifest?.says).toContain(one.file);
  });
  await holds(property, 40);
});

/** Each is something of which the judge needs all. */
const needed: readonly (readonly [string, (evidence: Evidence) => Evidence])[] = [
  ...(['header', 'guard', 'phase', 'load', 'ended', 'reading'] as const).map(
    (kind) =>
      [
        `lines of kind ${kind}`,
        (from: Evidence) =>
          journalWith(
            from,
            without1((line) => line.kind === kind),
          ),
      ] as const,
  ),
  ...(['injected', 'landed', 'effect', 'undone', 'residue'] as const).map(
    (step) =>
      [
        `the step ${step}`,
        (from: Evidence) =>
          journalWith(
            from,
            without1((line) => line.kind === 'step' && line.step === step),
          ),
      ] as const,
  ),
  ...(['documents', 'stock-before', 'stock-after'] as const).map(
    (what) =>
      [
        `that ${what} of a Galera node were read to the end`,
        (from: Evidence) =>
          ledgerWith(from, (line) =>
            line.kind === 'read' && line.what === what && line.node === 'galera-1' ? undefined : line,
          ),
      ] as const,
  ),
  ['the answers of Prometheus', (from) => ({ ...from, ranges: [] })],
  ['what users did', (from) => ({ ...from, operations: [] })],
];

function without1(is: (line: JournalLine) => boolean): (line: JournalLine) => JournalLine | undefined {
  return (line) => (is(line) ? undefined : line);
}

it('the run that things are taken from passes when they are not', async () => {
  expect((await judgedFiles(files, 'kept')).verdict.outcome).toBe('passed');
  expect((await judgedFiles(files, 'anew')).verdict.outcome).toBe('passed');
});

it.each(needed)('under a new manifest too, a run does not pass without %s', async (_what, take) => {
  const { verdict } = await judgedFiles(await filesOf(take(whole)), 'anew');
  expect(verdict.outcome).not.toBe('passed');
});

it.each(lineFiles)('under a new manifest too, a run does not pass without %s', async (file) => {
  const { [file]: _gone, ...left } = files;
  expect((await judgedFiles(left, 'anew')).verdict.outcome).not.toBe('passed');
});

it('under a new manifest too, a journal that ends early passes nothing', async () => {
  const journal = linesOf(files['journal.ndjson'] ?? '');
  const property = fc.asyncProperty(share, async (part) => {
    const left = { ...files, 'journal.ndjson': textOf(journal.slice(0, at(journal.length, part))) };
    expect((await judgedFiles(left, 'anew')).verdict.outcome).not.toBe('passed');
  });
  await holds(property, 15);
});

const wanting: Readonly<Record<string, RunFiles>> = {
  'a lost write': await filesOf(losing(whole, acknowledgedInFault(whole).slice(0, 1))),
  'no proof that the fault landed': await filesOf(
    journalWith(
      whole,
      without1((line) => line.kind === 'step' && line.step === 'landed'),
    ),
  ),
  'a guard that was not asked': await filesOf(
    journalWith(
      whole,
      without1((line) => line.kind === 'guard'),
    ),
  ),
  'an aborted run': await filesOf(
    journalWith(whole, (line) => (line.kind === 'ended' ? { ...line, ended: 'aborted', reason: 'Ctrl-C' } : line)),
  ),
  'no answer of Prometheus': await filesOf({
    ...whole,
    ranges: whole.ranges.map(({ response: _, ...range }) => ({ ...range, error: 'connection refused' })),
  }),
  'too little load': await filesOf(smallRun({ ratesPerSecond: { 'barcode-lookup': 1, 'goods-receipt': 0.2 } })),
};

it('a run that is wanting does not pass for want of more', async () => {
  // The samples of the run that lost a write tell of that write: without them nobody knows that it was sent.
  const property = fc.asyncProperty(
    fc.constantFrom(...Object.keys(wanting)),
    fc.array(taking(['journal.ndjson', 'ledger.ndjson', 'prometheus.ndjson']), { minLength: 1, maxLength: 3 }),
    taking(['samples.ndjson']),
    async (name, takings, more) => {
      const all = name === 'a lost write' ? takings : [...takings, more];
      const left = all.reduce(without, wanting[name] as RunFiles);
      expect((await judgedFiles(left, 'anew')).verdict.outcome).not.toBe('passed');
    },
  );
  await holds(property, 60);
});

it('they are wanting', async () => {
  for (const [name, some] of Object.entries(wanting))
    expect([name, (await judgedFiles(some, 'anew')).verdict.outcome]).toEqual([
      name,
      name === 'a lost write' ? 'failed' : 'inconclusive',
    ]);
});
