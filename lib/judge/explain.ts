// One write explained: which way it went, what the judge says of it, where it is now, and what the system was when it was sent. The word is
// the judge's own, who is shown this write alone; the rest is told, never judged by. Pure, like the judge.
import type { Evidence, FoundDocument, Instant, JournalLine, LedgerLine } from '../model/evidence.ts';
import type {
  ExplainedRequest,
  Explanation,
  FoundOnMember,
  MarkerTrace,
  Moment,
  MomentEvent,
  StockOfPlace,
  TracedWrite,
  WriteWord,
} from '../model/explanation.ts';
import { targetInWords } from '../model/fault-target.ts';
import { isMarkerOf } from '../model/run-ids.ts';
import type { Finding, Outcome, Verdict } from '../model/verdict.ts';
import { alertPeriods } from './alert-periods.ts';
import { compareText } from './findings.ts';
import { judge } from './judge.ts';
import { duration } from './numbers.ts';

export function explain(trace: MarkerTrace, folder: string): Explanation {
  const { marker, claim, journal, writes } = trace;
  const header = journal.find((line) => line.kind === 'header')?.header;
  const verdict = judge(claim, onlyThis(trace));
  const found = foundOn(trace);
  const judged = wordOf(verdict, trace, found);
  const [first] = writes;
  return {
    schema: 'shakedown.explanation/1',
    marker,
    run: {
      folder,
      scenario: claim.name,
      runId: header?.runId ?? '',
      ...(header ? { target: header.target.name } : {}),
    },
    ...judged,
    requests: writes.map((write) => requestOf(write)),
    member: memberOf(trace),
    found,
    namesakes: namesakesOf(trace),
    stock: stockOf(trace),
    ...(first ? { moment: momentOf(trace, first) } : {}),
    gaps: gapsOf(trace),
  };
}

const onlyThis = ({ claim, journal, writes, ledger, damaged }: MarkerTrace): Evidence => ({
  claim,
  journal,
  operations: writes,
  drops: [],
  ledger: ledger.filter(({ kind }) => kind === 'document' || kind === 'read'),
  ranges: [],
  damaged,
  // What became of one write is read from the ledger's findings alone; `judge` says whether the files are what they were.
  manifest: { files: 0, problems: [] },
});

/** Of files that say what was sent and what is there: with a hole in one of them nothing is as it should be for certain. */
const decisive = ['samples.ndjson', 'ledger.ndjson'];

function wordOf(
  { ledger, findings }: Verdict,
  { writes, damaged, marker }: MarkerTrace,
  found: readonly FoundOnMember[],
): Pick<Explanation, 'word' | 'outcome' | 'says'> {
  const finding = (check: string): Finding | undefined => findings.find((one) => one.check === check);
  const failed = (check: string) => finding(check)?.outcome === 'failed';
  const said = (...checks: string[]): readonly string[] =>
    checks.flatMap((check) => finding(check)?.examples ?? []).map((text) => text.replace(`${marker}: `, ''));
  const is = (word: WriteWord, outcome: Outcome, ...checks: string[]) => ({ word, outcome, says: said(...checks) });

  if (ledger.lost > 0) return is('lost', 'failed', 'ledger.lost');
  if (ledger.duplicated > 0) return is('duplicated', 'failed', 'ledger.duplicated');
  if (ledger.refusedButFound > 0) return is('refused-but-found', 'failed', 'ledger.refused');
  if (failed('ledger.lines')) return is('other-lines', 'failed', 'ledger.lines');
  if (failed('ledger.agree')) return is('members-disagree', 'failed', 'ledger.agree');
  if (ledger.neverSent > 0) return is('never-sent', 'inconclusive', 'ledger.never-sent');

  const nobody = !found.some(({ rounds }) => rounds > 0);
  const unread = finding('ledger.nodes');
  const holes = damaged.filter(({ file }) => decisive.includes(file));
  const why = [
    ...(unread?.outcome === 'inconclusive' || !unread ? [unread?.says ?? 'The ledger was not judged.'] : []),
    ...(holes.length > 0 ? ['What is on record of it has a hole.'] : []),
  ];
  // The judge leaves out what another run accounts for, and refuses evidence of other rules.
  const judged = writes.length > 0 && ledger.sent > 0;
  if (nobody || !judged || finding('ledger.lines')?.outcome === 'inconclusive')
    return { word: 'cannot-tell', outcome: 'inconclusive', says: why };
  const outcome: Outcome = why.length > 0 ? 'inconclusive' : 'passed';
  const told = (word: WriteWord, ...checks: string[]) => ({ word, outcome, says: [...said(...checks), ...why] });
  if (ledger.unknown > 0)
    return ledger.unknownPresent > 0 ? told('unknown-and-there', 'ledger.unknown') : told('unknown-and-absent');
  if (ledger.refused > 0) return told('refused');
  return ledger.stale > 0 ? told('stale', 'ledger.stale') : told('once');
}

function requestOf(one: TracedWrite): ExplainedRequest {
  const { write, journey, sentAt, durationMs, status, excType, good, user, virtualUser, exchanges } = one;
  const iteration = /-(\d+)$/.exec(write.marker)?.[1];
  return {
    journey,
    ...(iteration === undefined ? {} : { iteration: Number(iteration) }),
    ...(user === undefined ? {} : { technician: user }),
    ...(virtualUser === undefined ? {} : { virtualUser }),
    sentAt,
    ...(durationMs === undefined ? {} : { answeredAt: sentAt + durationMs }),
    status,
    ...(excType === undefined ? {} : { excType }),
    good,
    outcome: write.outcome,
    why: whyClassified(one),
    ...(write.document === undefined ? {} : { document: write.document }),
    lines: write.lines,
    exchanges,
  };
}

/** As load/classify.ts decides, in words. */
function whyClassified({ write, status, durationMs, excType, error }: TracedWrite): string {
  const below = error === undefined ? '' : `: ${error}`;
  if (durationMs === undefined) return 'no answer is on record: the load ended, or was cut off, before one came';
  if (write.outcome === 'acknowledged')
    return `answered ${status} with the document ${write.document ?? ''} as submitted${cancelledWords[write.cancelled ?? 'no']}`;
  if (write.outcome === 'refused')
    return `answered ${status} ${excType ?? ''}, which Frappe says before a commit and rolls back`;
  if (status === 0) return `no answer${below || ' (no status)'}: what was sent may have been stored`;
  if (status < 300) return `answered ${status}, but without the submitted document${below}`;
  return excType === undefined
    ? `answered ${status} without Frappe's own words (a proxy, or an app that broke down): it may have been stored`
    : `answered ${status} ${excType}, which can also come after a commit`;
}

const cancelledWords = {
  no: '',
  acknowledged: ', and its cancelling was acknowledged',
  unknown: ', and nobody can tell whether its cancelling was done',
} as const;

/** The app's own word first; else who was writer by the reading that was in force when it was answered. */
function memberOf({ writes, journal }: MarkerTrace): Explanation['member'] {
  const last = writes.at(-1);
  if (!last) return { by: 'nobody', says: 'it is not on record as sent' };
  const told = [...new Set(last.exchanges.flatMap(({ member }) => member ?? []))].join(', ');
  if (told !== '') return { name: told, by: 'answer', says: "by the answer's own header" };
  const at = last.sentAt + (last.durationMs ?? 0);
  const reading = journal.findLast(
    (line) => line.kind === 'reading' && line.series === writerSeries && line.at <= at && typeof line.seen === 'string',
  );
  if (reading?.kind === 'reading' && typeof reading.seen === 'string')
    return {
      name: reading.seen,
      by: 'reading',
      says: `the app's writer ${duration(at - reading.at)} before the ${last.durationMs === undefined ? 'sending' : 'answer'}, by ${writerSeries}`,
    };
  const guard = journal.find((line) => line.kind === 'guard' && line.name === 'single-writer');
  const before = guard?.kind === 'guard' ? `; before the load, ${guard.seen}` : '';
  return { by: 'nobody', says: `neither the answer nor a reading names it${before}` };
}

const writerSeries = 'app-writer-nodes';

function foundOn({ ledger }: MarkerTrace): readonly FoundOnMember[] {
  const reads = ledger.filter((line) => line.kind === 'read').filter(({ what }) => what === 'documents');
  return [...new Set(reads.map(({ node }) => node))].sort(compareText).map((node): FoundOnMember => {
    const own = reads.filter((read) => read.node === node);
    const complete = own.filter(({ error }) => error === undefined).sort((a, b) => a.round - b.round);
    const error = own.findLast((read) => read.error !== undefined)?.error;
    const [first, last] = [complete[0], complete.at(-1)];
    const documents = documentsIn(ledger).filter((document) => document.node === node);
    const seenIn = complete.find(({ round }) => documents.some((document) => document.round === round));
    return {
      node,
      rounds: complete.length,
      ...(first && last ? { from: first.at, to: last.at } : {}),
      ...(error === undefined ? {} : { error }),
      ...(seenIn ? { firstSeen: { round: seenIn.round, at: seenIn.at } } : {}),
      documents: documents
        .filter(({ round }) => round === last?.round)
        .map(({ name, docstatus, lines }) => ({ name, docstatus, lines })),
      jobs: ledger.flatMap((line) => (line.kind === 'job-rows' && line.rows.node === node ? line.rows.jobs : [])),
    };
  });
}

const documentsIn = (ledger: readonly LedgerLine[]): readonly FoundDocument[] =>
  ledger.flatMap((line) => (line.kind === 'document' ? [line.document] : []));

/** A name that was given away again after a crash took its first bearer along. */
const namesakesOf = ({ namesakes }: MarkerTrace): readonly string[] =>
  [...new Set(namesakes.map(({ name, marker }) => `${name} is the document of ${marker}`))].sort(compareText);

function stockOf({ ledger, writes }: MarkerTrace): readonly StockOfPlace[] {
  const levels = ledger.flatMap((line) => (line.kind === 'stock' ? [line.level] : []));
  const places = new Map(
    writes.flatMap(({ write }) =>
      write.lines.map(({ item, warehouse }) => [`${item}\n${warehouse}`, { item, warehouse }] as const),
    ),
  );
  return [...places.values()].map(({ item, warehouse }) => {
    const own = levels.filter((level) => level.item === item && level.warehouse === warehouse);
    return {
      item,
      warehouse,
      members: [...new Set(own.map(({ node }) => node))].sort(compareText).map((node) => {
        const at = (when: 'before' | 'after') => {
          const level = own.findLast((one) => one.node === node && one.when === when);
          return level ? { [when]: { ledger: level.ledgerSum, bin: level.bin } } : {};
        };
        return { node, ...at('before'), ...at('after') };
      }),
    };
  });
}

const [eventsBefore, eventsAfter] = [6, 8];

function momentOf(trace: MarkerTrace, first: TracedWrite): Moment {
  const { journal, around, drops, aroundMs } = trace;
  const at = first.sentAt;
  const phase = phaseAt(journal, at);
  const answeredIn = first.durationMs === undefined ? phase : phaseAt(journal, at + first.durationMs);
  const alerts = alertPeriods(trace);
  const writes = around.flatMap(({ write }) => write ?? []);
  const ofOutcome = (outcome: string) => writes.filter((write) => write.outcome === outcome).length;
  return {
    at,
    ...(phase ? { phase } : {}),
    ...(answeredIn && answeredIn !== phase ? { answeredIn } : {}),
    faults: faultsAt(journal, at),
    ...nearestInject(journal, at + (first.durationMs ?? 0)),
    timeline: timelineOf(trace, at),
    readings: readingsAt(journal, at),
    ...(alerts ? { alerts: alerts.filter(({ from, to }) => from <= at && to >= at) } : {}),
    around: {
      withinMs: aroundMs,
      good: around.filter(({ good }) => good).length,
      bad: around.filter(({ good }) => !good).length,
      dropped: drops.reduce((sum, { count }) => sum + count, 0),
      writes: {
        acknowledged: ofOutcome('acknowledged'),
        refused: ofOutcome('refused'),
        unknown: ofOutcome('unknown'),
      },
    },
  };
}

function phaseAt(journal: readonly JournalLine[], at: Instant): Moment['phase'] {
  const begun = journal.findLast((line) => line.kind === 'phase' && line.at <= at);
  return begun?.kind === 'phase' ? begun.phase : undefined;
}

type Step = Extract<JournalLine, { kind: 'step' }>;

const stepsIn = (journal: readonly JournalLine[]): readonly Step[] =>
  journal.flatMap((line) => (line.kind === 'step' ? [line] : []));

function faultsAt(journal: readonly JournalLine[], at: Instant): readonly string[] {
  const under = new Map<string, boolean>();
  for (const { fault, step, at: when } of stepsIn(journal))
    if (when <= at && (step === 'injected' || step === 'undone')) under.set(fault, step === 'injected');
  return [...under].flatMap(([fault, there]) => (there ? [fault] : []));
}

function nearestInject(journal: readonly JournalLine[], at: Instant): Pick<Moment, 'inject'> {
  const [nearest] = stepsIn(journal)
    .filter(({ step }) => step === 'injected')
    .sort((a, b) => Math.abs(a.at - at) - Math.abs(b.at - at));
  if (!nearest) return {};
  const { fault } = nearest;
  return { inject: { fault, on: targetsOf(fault, nearest.at, journal), msAfter: nearest.at - at } };
}

/** What happened nearest before and after, and the write's own sending and answer among it. */
function timelineOf(trace: MarkerTrace, at: Instant): readonly MomentEvent[] {
  const { journal, writes } = trace;
  const events: MomentEvent[] = [
    ...journal.flatMap((line): MomentEvent[] =>
      line.kind === 'phase' ? [{ ms: line.at - at, kind: 'phase', says: `${line.phase} begins` }] : [],
    ),
    ...stepsIn(journal)
      .filter(({ step }) => step !== 'holding' && step !== 'residue')
      .map((step): MomentEvent => ({ ms: step.at - at, kind: 'step', says: stepWords(step, journal) })),
    ...readingChanges(journal).map((change): MomentEvent => ({ ...change, ms: change.ms - at, kind: 'reading' })),
    ...(alertPeriods(trace) ?? []).flatMap(({ alert, of, from, to, before, still }): MomentEvent[] => {
      const name = `alert ${alert}${of === '' ? '' : ` (${of})`}`;
      return [
        ...(before ? [] : [{ ms: from - at, kind: 'alert' as const, says: `${name} fires` }]),
        ...(still ? [] : [{ ms: to - at, kind: 'alert' as const, says: `${name} is over` }]),
      ];
    }),
  ].sort((a, b) => a.ms - b.ms);
  const own = writes.flatMap(({ sentAt, durationMs, status, write }): MomentEvent[] => [
    { ms: sentAt - at, kind: 'own', says: 'sent' },
    ...(durationMs === undefined
      ? []
      : [
          {
            ms: sentAt + durationMs - at,
            kind: 'own' as const,
            says: `${status === 0 ? 'given up' : `answered ${status}`}: ${write.outcome}`,
          },
        ]),
  ]);
  return [
    ...events.filter(({ ms }) => ms <= 0).slice(-eventsBefore),
    ...events.filter(({ ms }) => ms > 0).slice(0, eventsAfter),
    ...own,
  ].sort((a, b) => a.ms - b.ms);
}

const stepVerbs: Readonly<Partial<Record<Step['step'], string>>> = {
  prepared: 'prepared',
  injected: 'injected',
  landed: 'seen to have landed',
  effect: 'seen to have had an effect',
  undone: 'undone',
  'undo-failed': 'could not be undone',
};

function stepWords({ fault, step, proof, at }: Step, journal: readonly JournalLine[]): string {
  const doubt = proof && proof.is !== 'yes' ? ` (${proof.is === 'no' ? 'no' : 'nobody can tell'})` : '';
  const targets = step === 'injected' ? targetsOf(fault, at, journal) : '';
  return `${fault} ${stepVerbs[step] ?? step}${doubt}${targets === '' ? '' : ` on ${targets}`}`;
}

function targetsOf(fault: string, at: Instant, journal: readonly JournalLine[]): string {
  const prepared = stepsIn(journal).findLast((one) => one.fault === fault && one.step === 'prepared' && one.at <= at);
  const { targets } = (prepared?.ticket ?? {}) as { targets?: unknown };
  if (!Array.isArray(targets) || targets.length === 0) return '';
  return targets.map(targetInWords).join(', ');
}

/** When a series said something else than before; gaps of the same kind are one, whatever words they come with. */
function readingChanges(journal: readonly JournalLine[]): readonly { readonly ms: Instant; readonly says: string }[] {
  const last = new Map<string, string>();
  return journal.flatMap((line) => {
    if (line.kind !== 'reading') return [];
    const { series, value, seen } = line;
    const now = `${value === undefined ? 'no value' : value}${typeof seen === 'string' ? ` (${seen})` : ''}`;
    const before = last.get(series);
    last.set(series, now);
    return before === undefined || before === now ? [] : [{ ms: line.at, says: `${series}: ${now}, was ${before}` }];
  });
}

function readingsAt(journal: readonly JournalLine[], at: Instant): Moment['readings'] {
  const last = new Map<string, Extract<JournalLine, { kind: 'reading' }>>();
  for (const line of journal) if (line.kind === 'reading' && line.at <= at) last.set(line.series, line);
  return [...last.values()]
    .map(({ series, at: when, value, missing, seen }) => ({
      series,
      agoMs: at - when,
      ...(value === undefined ? {} : { value }),
      ...(missing === undefined ? {} : { missing }),
      ...(typeof seen === 'string' ? { seen } : {}),
    }))
    .sort((a, b) => compareText(a.series, b.series));
}

function gapsOf({ writes, journal, ranges, ledger, damaged, marker }: MarkerTrace): readonly string[] {
  const served = writes.some(({ exchanges }) => exchanges.some(({ servedBy }) => servedBy !== undefined));
  const header = journal.find((line) => line.kind === 'header')?.header;
  return [
    ...damaged.map(({ file, what }) => `${file}: ${what}.`),
    ...(writes.length > 0 && writes.every(({ exchanges }) => exchanges.length === 0)
      ? ['Connection and pod are not in its sample: the run is of a release that did not keep them.']
      : writes.length > 0 && !served
        ? ['No answer said which pod gave it: the site sends no X-Served-By.']
        : []),
    ...(ranges.length === 0 ? ['Prometheus was not asked for alerts in this run.'] : []),
    ...(ledger.some(({ kind }) => kind === 'read') ? [] : ['No Galera member was read after the run.']),
    ...(header?.steadyOf !== undefined && isMarkerOf(header.steadyOf, marker)
      ? [`It is of the run before, ${header.steadyOf}, which accounts for it; here it is only in the shared load.`]
      : header && !isMarkerOf(header.runId, marker)
        ? [`The marker is not of this run, ${header.runId}.`]
        : []),
  ];
}
