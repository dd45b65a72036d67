// One write as `explain` tells it: first what became of it, then the way it went, where it is, and what the system was. Read at night by
// somebody who has not seen the run, so each line says what it is about. Plain text, 100 columns.
import type { Write } from '../lib/model/evidence.ts';
import type { Exchange } from '../lib/model/exchanges.ts';
import type { ExplainedRequest, Explanation, FoundOnMember, Moment, WriteWord } from '../lib/model/explanation.ts';
import { painted, printable, wrapped } from './plain-text.ts';
import { count, duration, offset, phaseWord, plural } from './wording.ts';

export const writeWord: Readonly<Record<WriteWord, string>> = {
  lost: 'LOST after it was acknowledged',
  duplicated: 'APPLIED MORE THAN ONCE',
  'refused-but-found': 'REFUSED, AND STORED all the same',
  'other-lines': 'there, but it MOVED SOMETHING ELSE than was sent',
  'members-disagree': 'the Galera members DO NOT AGREE on it',
  'never-sent': 'there, but NOT ON RECORD AS SENT: the record has a hole',
  'cannot-tell': 'nobody can tell what became of it',
  'unknown-and-there': 'it got no clear answer, and is there; either would be right',
  'unknown-and-absent': 'it got no clear answer, and is not there; either would be right',
  refused: 'refused, and it moved nothing, as it should',
  stale: 'there once, as acknowledged, on one member later than on another: stale, not lost',
  once: 'there once, as acknowledged',
};

export function explanationText(explanation: Explanation, { colour }: { readonly colour: boolean }): string {
  const { marker, word, outcome, says, run, requests, found, namesakes, stock, moment, gaps } = explanation;
  return [
    `${painted(`${printable(marker)}: ${writeWord[word]}`, outcome, { colour })}`,
    ...says.flatMap((one) => wrapped(one, 2)),
    `  ${printable(run.scenario)}, run ${printable(run.runId) || '?'}${run.target ? ` on ${printable(run.target)}` : ''}: ${printable(run.folder)}`,
    '',
    ...requests.flatMap((request) => [...requestLines(request), '']),
    ...field('member', memberText(explanation)),
    ...afterwards(found),
    ...namesakes.flatMap((one) => field('', `the name was given away again: ${one}`)),
    ...stock.flatMap(stockLines),
    '',
    ...(moment ? momentLines(moment) : []),
    ...(gaps.length > 0 ? ['Not known', ...gaps.flatMap((gap) => wrapped(gap, 2)), ''] : []),
  ]
    .join('\n')
    .replace(/[\u00a0\u202f]/g, ' ')
    .trimEnd();
}

const width = 11;

/** A line with its name before it, and the rest of the text under its beginning. */
const field = (name: string, text: string): readonly string[] =>
  wrapped(text, width + 2).map((line, index) => (index === 0 ? `  ${name.padEnd(width)}${line.trimStart()}` : line));

const clock = (at: number): string =>
  Number.isFinite(at) && Math.abs(at) < 8.64e15 ? new Date(at).toISOString().slice(11, 23) : '?';
const day = (at: number): string =>
  Number.isFinite(at) && Math.abs(at) < 8.64e15 ? new Date(at).toISOString().slice(0, 10) : '?';

function requestLines(request: ExplainedRequest): readonly string[] {
  const { journey, iteration, technician, virtualUser, sentAt, answeredAt, good, outcome, why, lines, exchanges } =
    request;
  const who = [
    ...(technician === undefined ? [] : [`technician ${technician}`]),
    ...(virtualUser === undefined ? [] : [`virtual user ${virtualUser}`]),
  ];
  const took = answeredAt === undefined ? 'never answered' : `over ${duration(answeredAt - sentAt)} later`;
  return [
    ...field('sent', `${day(sentAt)} ${clock(sentAt)} UTC, ${took}`),
    ...field(
      'by',
      `${journey}${iteration === undefined ? '' : `, iteration ${iteration}`}${who.map((one) => `, ${one}`).join('')}`,
    ),
    ...field('of', movement(lines)),
    ...exchanges.flatMap((exchange) => field('over', exchangeText(exchange))),
    ...field('counts as', `${outcome}: ${why}${good || outcome !== 'acknowledged' ? '' : '; too late to be good'}`),
  ];
}

function exchangeText({ method, status, at, durationMs, servedBy, connection, remote }: Exchange): string {
  const way = [
    ...(connection === undefined ? [] : [connection === 'opened' ? 'a new connection' : 'a kept connection']),
    ...(remote === undefined ? [] : [`to ${remote}`]),
  ].join(' ');
  const answer = status === 0 ? 'no answer' : `${status}`;
  return `${method} at ${clock(at)}: ${answer} after ${duration(durationMs)}, from ${servedBy ?? 'a pod that is not on record'}${way === '' ? '' : `, ${way}`}`;
}

const movement = (lines: Write['lines']): string =>
  lines.map(({ item, warehouse, qty }) => `${qty > 0 ? '+' : ''}${qty} ${item} in ${warehouse}`).join(', ') ||
  'no movement on record';

const memberText = ({ member }: Explanation): string =>
  member.name === undefined ? `not on record: ${member.says}` : `${member.name}, ${member.says}`;

function afterwards(found: readonly FoundOnMember[]): readonly string[] {
  if (found.length === 0) return field('found', 'no Galera member was asked');
  return found.flatMap((one, index) => field(index === 0 ? 'found' : '', foundText(one)));
}

function foundText({ node, rounds, from, to, error, firstSeen, documents, jobs }: FoundOnMember): string {
  const failed = error === undefined ? '' : ` (a round could not be read: ${error})`;
  if (rounds === 0 || from === undefined || to === undefined) return `${node}: not read to the end${failed}`;
  const looked = `${plural(rounds, 'round')} from ${clock(from)} to ${clock(to)}${failed}`;
  if (documents.length === 0)
    return firstSeen
      ? `${node}: there in round ${firstSeen.round}, and gone in the last one; ${looked}`
      : `${node}: not there in any of ${looked}`;
  const what = documents
    .map(({ name, docstatus, lines }) => `${name} (${statusWord[docstatus] ?? docstatus}: ${movement(lines)})`)
    .join(' and ');
  const job = jobs.length === 0 ? '' : `; ${plural(jobs.length, 'row')} of its background job`;
  return `${node}: ${what}, since round ${firstSeen?.round ?? '?'}; ${looked}${job}`;
}

const statusWord = ['draft', 'submitted', 'cancelled'];

function stockLines({ item, warehouse, members }: Explanation['stock'][number]): readonly string[] {
  const texts = members.map(({ before, after }) => {
    const level = (one: typeof before) =>
      one === undefined ? '?' : one.ledger === one.bin ? `${one.ledger}` : `${one.ledger} (bin ${one.bin})`;
    return `${level(before)} before the load, ${level(after)} after`;
  });
  const same = new Set(texts).size === 1 && members.length > 1;
  return field(
    'stock',
    `${item} in ${warehouse}: ${same ? `${texts[0]}, on every member` : members.map(({ node }, index) => `${node} ${texts[index]}`).join('; ') || 'not read'}`,
  );
}

function momentLines({
  at,
  phase,
  answeredIn,
  faults,
  inject,
  timeline,
  readings,
  alerts,
  around,
}: Moment): readonly string[] {
  const { good, bad, dropped, writes, withinMs } = around;
  const firing = (alerts ?? []).map(({ alert, of }) => (of === '' ? alert : `${alert} (${of})`));
  return [
    ...wrapped(
      `At that moment: ${phase === undefined ? 'before the first phase' : phaseWord[phase].toLowerCase()}${answeredIn === undefined ? '' : ` (answered in ${phaseWord[answeredIn].toLowerCase()})`}, ${faults.length === 0 ? 'no fault was there' : `${faults.join(' and ')} was there`}${injectText(inject)}`,
      0,
      2,
    ),
    ...timeline.map(({ ms, kind, says }) => {
      const [first = '', ...rest] = wrapped(says, 17);
      return [`  ${kind === 'own' ? '▸' : ' '} ${offset(ms).padStart(11)}  ${first.trimStart()}`, ...rest].join('\n');
    }),
    ...readings.flatMap(({ series, agoMs, value, missing, seen }) =>
      field(
        'reading',
        `${series}: ${value ?? `no value (${short(missing ?? '')})`}${seen === undefined ? '' : ` (${seen})`}, ${duration(agoMs)} before`,
      ),
    ),
    ...(readings.length === 0 ? field('reading', 'none so far') : []),
    ...field(
      'alerts',
      alerts === undefined ? 'not known' : firing.length === 0 ? 'none was firing' : firing.join(', '),
    ),
    ...field(
      'others',
      `within ${duration(withinMs)} of ${clock(at)}: ${count(good)} good, ${count(bad)} bad, ${count(dropped)} dropped; of these ${count(writes.acknowledged)} writes acknowledged, ${count(writes.refused)} refused, ${count(writes.unknown)} unknown`,
    ),
    '',
  ];
}

function injectText(inject: Moment['inject']): string {
  if (!inject) return '';
  const { fault, on, msAfter } = inject;
  const when = msAfter >= 0 ? `${duration(msAfter)} after the answer` : `${duration(-msAfter)} before the answer`;
  return `; ${fault} was injected${on === '' ? '' : ` on ${on}`} ${when}`;
}

const short = (text: string): string => (text.length > 80 ? `${text.slice(0, 79)}…` : text);
