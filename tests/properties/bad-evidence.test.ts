// Whatever stands in a run folder, the judge concludes something or says in one line why it can't: it never throws, never hangs, and never
// passes what was damaged. Nor do terminal and page break on what is written in it.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Problem } from '../../lib/errors.ts';
import { runView } from '../../lib/judge/run-view.ts';
import { verdictJson } from '../../lib/judge/verdict-json.ts';
import { verdictReport } from '../../reports/terminal.ts';
import { acknowledgedInFault, losing, sharing, smallRun } from '../fixtures/evidence.ts';
import { filesOf, holds, type Judged, judgedFiles, lineFiles, linesOf, type RunFiles, textOf } from './run-files.ts';

const runs = [
  await filesOf(smallRun()),
  await filesOf(losing(smallRun(), acknowledgedInFault(smallRun()).slice(0, 3))),
  await filesOf(sharing(smallRun({ steadyMs: 40_000 }))),
] as const;

const hostile: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  0.1,
  1e15,
  1e308,
  -1e308,
  '',
  '0',
  'NaN',
  '1e999',
  '-Inf',
  '\u001b]0;owned\u0007\u001b[31m\r\u202e',
  '<img src=x onerror=alert(1)>',
  '__proto__',
  'constructor',
  '../../etc/passwd',
  'x'.repeat(100_000),
  '\u0000\ud800',
  [],
  {},
  [[[]]],
  { toString: 1, length: -1 },
];

const share = fc.double({ min: 0, max: 1, noNaN: true });
const at = (length: number, part: number) => Math.max(0, Math.min(length - 1, Math.floor(part * length)));

type Change = (files: RunFiles) => RunFiles;

/** Changes the text of a file, or its lines. */
const change = (
  names: readonly string[],
  how: (lines: readonly string[], a: number, b: number, value: unknown) => readonly string[],
): fc.Arbitrary<Change> =>
  fc.tuple(fc.constantFrom(...names), share, share, fc.constantFrom(...hostile)).map(([name, a, b, value]) => {
    return (files) => ({ ...files, [name]: textOf(how(linesOf(files[name] ?? ''), a, b, value)) });
  });

const changeOfLines: readonly fc.Arbitrary<Change>[] = [
  // A value somewhere in a line becomes something else, or goes.
  change(lineFiles, (lines, a, b, value) => {
    const index = at(lines.length, a);
    return lines.map((line, own) => (own === index ? spoiled(line, b, value) : line));
  }),
  // Two writers at once: a line breaks off, another one follows, then the rest of the first.
  change(lineFiles, (lines, a, b) => {
    const index = at(lines.length, a);
    const line = lines[index] ?? '';
    const cut = at(line.length, b);
    const other = lines[at(lines.length, 1 - a)] ?? '';
    return [...lines.slice(0, index), line.slice(0, cut) + other, line.slice(cut), ...lines.slice(index + 1)];
  }),
  // The clock is set, from a line on.
  change(['journal.ndjson'], (lines, a, b) =>
    lines.map((line, index) =>
      index < a * lines.length
        ? line
        : line.replace(/^\{"at":(\d+)/, (_, time) => `{"at":${Number(time) + Math.round((b - 0.5) * 2e12)}`),
    ),
  ),
  // A line stands there twice, or many times: a scrape, an answer, an end.
  change(lineFiles, (lines, a, b) => {
    const index = at(lines.length, a);
    return lines.flatMap((line, own) => (own === index ? Array(1 + at(20, b)).fill(line) : [line]));
  }),
  change(lineFiles, (lines, a, _b, value) => lines.toSpliced(at(lines.length, a), 0, JSON.stringify(value))),
];

function spoiled(line: string, part: number, value: unknown): string {
  const json: unknown = JSON.parse(line);
  const places: { readonly of: Record<string, unknown>; readonly key: string }[] = [];
  const walk = (of: unknown): void => {
    if (of === null || typeof of !== 'object') return;
    for (const key of Object.keys(of)) {
      places.push({ of: of as Record<string, unknown>, key });
      walk((of as Record<string, unknown>)[key]);
    }
  };
  walk(json);
  const place = places[at(places.length, part)];
  if (!place) return line;
  if (value === true) delete place.of[place.key];
  else place.of[place.key] = value;
  return JSON.stringify(json);
}

/** Bytes, not lines. */
const truncated: fc.Arbitrary<Change> = fc
  .tuple(fc.constantFrom(...lineFiles), share)
  .map(([name, part]) => (files) => ({
    ...files,
    [name]: (files[name] ?? '').slice(0, Math.floor(part * (files[name] ?? '').length)),
  }));

function tellsAll({ evidence, verdict }: Judged): void {
  expect(['passed', 'inconclusive', 'failed']).toContain(verdict.outcome);
  expect(verdictJson(verdict)).toContain('"outcome"');
  const told = verdictReport(verdict, evidence.claim.hypothesis, { colour: false });
  expect(told.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  expect(runView(evidence, verdict).bins.length).toBeLessThan(2_000_000);
}

it('evidence that is spoiled in any way is judged all the same, and never passes under its manifest', async () => {
  const property = fc.asyncProperty(
    fc.constantFrom(...runs),
    fc.array(fc.oneof(...changeOfLines), { minLength: 1, maxLength: 4 }),
    fc.option(truncated),
    async (files, changes, last) => {
      const spoiltFiles = [...changes, ...(last ? [last] : [])].reduce((some, one) => one(some), files);
      fc.pre(Object.keys(files).some((name) => files[name] !== spoiltFiles[name]));
      const kept = await judgedFiles(spoiltFiles, 'kept');
      tellsAll(kept);
      expect(kept.verdict.outcome).not.toBe('passed');
      // As if it had been recorded like that: then the judge is on its own.
      tellsAll(await judgedFiles(spoiltFiles, 'anew'));
    },
  );
  await holds(property, 80);
});

it('a claim that is spoiled is judged, or told as none with its file', async () => {
  const property = fc.asyncProperty(share, fc.constantFrom(...hostile), async (part, value) => {
    const files = runs[0];
    const claim = spoiled(files['claim.json'] ?? '', part, value);
    const result = await judgedFiles({ ...files, 'claim.json': `${claim}\n` }, 'anew').catch((error: unknown) => error);
    if (result instanceof Error) {
      expect(result).toBeInstanceOf(Problem);
      expect(result.message).toMatch(/claim\.json: can't be read as a claim: /);
    } else tellsAll(result as Judged);
  });
  await holds(property, 80);
});
