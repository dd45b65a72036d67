// Whether monitoring noticed: alerts that must fire did, soon enough after the fault landed, reached who calls people, and were over soon
// enough after undo; those that must not fire did not. What fired before the fault shows nothing of it: of an alert that must fire
// nothing can be concluded then, and elsewhere it is not counted.
import type { AlertContract, MustFire, MustNotFire } from '../model/alert-contract.ts';
import { alertmanagerNotNamed } from '../model/alertmanager.ts';
import type { Claim } from '../model/claim.ts';
import type { Instant, Recorded, StepName } from '../model/evidence.ts';
import type { Finding, Outcome } from '../model/verdict.ts';
import { type AlertLook, type AlertLooks, alertInWords, alertLooks, labelsOf } from './alert-looks.ts';
import { alertmanagerLooks, knownAs } from './alertmanager-looks.ts';
import { compareText, examplesOf } from './findings.ts';
import { counted, duration, rounded } from './numbers.ts';

export function judgeAlerts({ alerts: contract }: Claim, evidence: Recorded): readonly Finding[] {
  if (!contract) return [];
  const seen = alertLooks(contract, evidence);
  const run = typeof seen === 'string' ? seen : runOf(seen, evidence);
  return [
    ...contract.mustFire.flatMap((rule) =>
      typeof run === 'string'
        ? told(firesCheck(rule), 'inconclusive', `${rule.name}: ${run}.`)
        : judgeMustFire(rule, run, evidence),
    ),
    ...contract.mustNotFire.map((rule) =>
      typeof run === 'string'
        ? told(quietCheck(rule), 'inconclusive', `${inWords(rule)}: ${run}.`)
        : judgeMustNotFire(rule, run, contract),
    ),
  ];
}

const firesCheck = ({ name }: MustFire): string => `alert.fires.${name}`;
const quietCheck = (rule: MustNotFire): string => `alert.quiet.${inWords(rule)}`;

interface Run extends AlertLooks {
  /** From here on what fires is the fault's; in a run without one, the platform's own. */
  readonly since: Instant;
  /** The last look before, and the first one after. */
  readonly before: readonly [AlertLook, AlertLook];
  /** From the first one after on. */
  readonly after: readonly AlertLook[];
  readonly landedAt: Instant | undefined;
  readonly effectAt: Instant | undefined;
  readonly undoneAt: Instant | undefined;
}

function runOf(seen: AlertLooks, { journal }: Recorded): Run | string {
  const phases = journal.filter((line) => line.kind === 'phase');
  const since = (phases.find(({ phase }) => phase === 'fault') ?? phases.find(({ phase }) => phase === 'steady'))?.at;
  if (since === undefined) return 'the run never came to the phase in which alerts count';
  const last = seen.looks.findLastIndex(({ at }) => at <= since);
  const [before, first] = [seen.looks[last], seen.looks[last + 1]];
  if (!before || !first) return 'Prometheus was not asked for the time before and after the fault';
  const steps = journal.filter((line) => line.kind === 'step');
  /** A proof may carry the target's clock: it was seen when its line was written, at the latest. */
  const provenAt = (name: StepName) => {
    const line = steps.find(({ step, at, proof }) => step === name && at >= since && proof?.is === 'yes');
    return line && Math.min(line.at, Math.max(since, line.proof?.at ?? line.at));
  };
  return {
    ...seen,
    since,
    before: [before, first],
    after: seen.looks.slice(last + 1),
    landedAt: provenAt('landed'),
    effectAt: provenAt('effect'),
    undoneAt: steps.findLast(({ step }) => step === 'undone')?.at,
  };
}

/** What fired before, and what began to: by labels, so that one Galera node that was down before doesn't hide another one. */
function firedIn({ before, after, since }: Run, counts: (key: string) => boolean) {
  const asked = new Map<string, boolean>();
  const matches = (key: string): boolean => {
    const answer = asked.get(key) ?? counts(key);
    asked.set(key, answer);
    return answer;
  };
  const [last, first] = before;
  const earlier = new Set(
    [...last.firing.keys(), ...[...first.firing].flatMap(([key, { at }]) => (at < since ? [key] : []))].filter(matches),
  );
  const anew = new Map<string, { readonly from: Instant; readonly to: Instant; readonly on: ReadonlySet<string> }>();
  for (const look of after) {
    for (const [key, { at, on }] of look.firing) {
      if (earlier.has(key) || !matches(key) || at < since) continue;
      const had = anew.get(key);
      anew.set(key, { from: Math.min(had?.from ?? at, at), to: at, on: new Set([...(had?.on ?? []), ...on]) });
    }
  }
  return { earlier: [...earlier].sort(compareText), anew, beforeKnown: last.known && first.known };
}

function judgeMustFire(rule: MustFire, run: Run, evidence: Recorded): readonly Finding[] {
  const matches = (key: string) => matching(rule, key);
  const { earlier, anew, beforeKnown } = firedIn(run, matches);
  const of = rule.from === 'effect' ? 'the fault had its effect' : 'the fault landed';
  const origin = rule.from === 'effect' ? run.effectAt : run.landedAt;
  const bound = `≤ ${rule.withinMs / 1000}`;
  const conclude = (outcome: Outcome, says: string, more: Partial<Finding> = {}): Finding => ({
    ...told(firesCheck(rule), outcome, says),
    phase: 'fault',
    bound,
    unit: 's',
    ...more,
  });
  const cannotTell = (why: string) => [conclude('inconclusive', `${inWords(rule)}: ${why}.`)];
  if (origin === undefined) return cannotTell(`it is not on record that ${of}`);
  if (!beforeKnown)
    return cannotTell(`nobody can tell whether it was firing before the fault (${silentIn(run.before, run.since)})`);
  const earlierSays = earlier.length > 0 ? `${earlier.map(alertInWords).join(', ')} was firing before the fault` : '';

  // Up to here it is known that it did not fire.
  const firstOpen = run.after.findIndex((look) => !look.known || [...look.firing.keys()].some((key) => anew.has(key)));
  const quietLooks = firstOpen < 0 ? run.after : run.after.slice(0, firstOpen);
  const quietUntil = Math.max(run.since, quietLooks.at(-1)?.evaluatedAt ?? run.since);

  if (anew.size === 0) {
    if (earlier.length > 0) return cannotTell(`${earlierSays}, so it can't be told what the fault did`);
    const quietMs = quietUntil - origin;
    if (quietMs >= rule.withinMs)
      return [
        conclude(
          'failed',
          `${inWords(rule)} did not fire within ${duration(quietMs)} after ${of}, wanted within ${duration(rule.withinMs)}.`,
        ),
      ];
    return cannotTell(
      firstOpen < 0
        ? `it did not fire, and nobody looked longer than ${duration(Math.max(0, quietMs))} after ${of}; wanted within ${duration(rule.withinMs)}`
        : `it was not seen to fire, and nobody can tell whether it did (${silentIn(run.after, run.since)})`,
    );
  }

  const firedAt = Math.min(...[...anew.values()].map(({ from }) => from));
  const detectedMs = rounded(Math.max(0, firedAt - origin));
  const earliestMs = Math.max(0, Math.min(firedAt, quietUntil) - origin);
  const resolutionMs = rounded(detectedMs - earliestMs);
  const outcome: Outcome =
    detectedMs <= rule.withinMs ? 'passed' : earliestMs >= rule.withinMs ? 'failed' : 'inconclusive';
  const on = [...new Set([...anew.values()].flatMap(({ on }) => [...on]))].sort(compareText);
  const without = run.replicas.filter((replica) => !on.includes(replica));
  const says = [
    `${inWords(rule)} fired ${duration(detectedMs)} after ${of} (known to ${duration(resolutionMs)}), wanted within ${duration(rule.withinMs)}${outcome === 'inconclusive' ? ': too close to call' : ''}`,
    ...(without.length > 0 ? [`on ${on.join(', ')}, and not on ${without.join(', ')}`] : []),
    ...(earlier.length > 0 ? [`${earlierSays} and is not counted`] : []),
  ];
  return [
    conclude(outcome, `${says.join('; ')}.`, {
      measured: rounded(detectedMs / 1000),
      examples: examplesOf([...anew.keys()].map(alertInWords)),
    }),
    judgeTold(rule, [...anew.keys()], firedAt, run.since, evidence),
    ...judgeResolved(rule, anew, run),
  ];
}

/** Whether anybody would have been called. Prometheus alone can't say. */
function judgeTold(
  rule: MustFire,
  keys: readonly string[],
  firedAt: Instant,
  since: Instant,
  evidence: Recorded,
): Finding {
  const conclude = (outcome: Outcome, says: string): Finding => ({
    ...told(`alert.told.${rule.name}`, outcome, `${says}.`),
    phase: 'fault',
  });
  const { looks, missing } = alertmanagerLooks(evidence);
  const own = looks
    .filter(({ at }) => at >= firedAt)
    .map((look) => ({ at: look.at, known: keys.flatMap((key) => knownAs(look, labelsOf(key))) }));
  const having = own.filter(({ known }) => known.length > 0);
  const held = having.filter(({ known }) => known.every(({ because }) => because !== undefined));
  const reasons = [...new Set(held.flatMap(({ known }) => known.map(({ because }) => because)))].join('; ');
  const calling = having.find(({ known }) => known.some(({ because }) => because === undefined));
  if (calling) {
    const replica = calling.known.find(({ because }) => because === undefined)?.replica;
    const meanwhile =
      held.length > 0 ? `, but held back at ${held.length} of ${counted(having.length, 'look')} (${reasons})` : '';
    return {
      ...conclude(
        'passed',
        `Alertmanager would have called about ${rule.name}: ${replica} had it active ${duration(calling.at - since)} after inject${meanwhile}`,
      ),
      measured: rounded((calling.at - firedAt) / 1000),
      unit: 's',
    };
  }
  const lesser = rule.mayBeHeldBack ? 'passed' : 'inconclusive';
  const allowed = rule.mayBeHeldBack ? ', which the claim allows' : '';
  if (having.length > 0)
    return conclude(
      lesser,
      `${rule.name} was held back at each of ${counted(having.length, 'look')} (${reasons}): nobody would have been called${allowed}`,
    );
  if (own.length > 0)
    return conclude(
      lesser,
      `Alertmanager did not have ${rule.name} at any of ${counted(own.length, 'look')} after it fired${allowed}`,
    );
  if (looks.length === 0 && missing.length > 0 && missing.every(({ why }) => why === alertmanagerNotNamed))
    return conclude(
      'passed',
      `Whether anybody would have been called about ${rule.name} was not looked at: ${alertmanagerNotNamed}`,
    );
  const why = missing.find(({ at }) => at >= firedAt)?.why ?? missing[0]?.why;
  return conclude(
    lesser,
    `Nobody saw what Alertmanager made of ${rule.name} after it fired${why === undefined ? '' : ` (${why})`}${allowed}`,
  );
}

function judgeResolved(
  rule: MustFire,
  anew: ReadonlyMap<string, { readonly to: Instant }>,
  { after, undoneAt, since }: Run,
): readonly Finding[] {
  const { resolvesWithinMs } = rule;
  if (resolvesWithinMs === undefined) return [];
  const conclude = (outcome: Outcome, says: string, measured?: number): Finding => ({
    ...told(`alert.resolves.${rule.name}`, outcome, `${says}.`),
    bound: `≤ ${resolvesWithinMs / 1000}`,
    unit: 's',
    ...(measured === undefined ? {} : { measured: rounded(measured / 1000) }),
  });
  const wanted = `wanted within ${duration(resolvesWithinMs)} after undo`;
  if (undoneAt === undefined)
    return [conclude('inconclusive', `${rule.name}: it is not on record that the fault was undone`)];
  const firedUntil = Math.max(...[...anew.values()].map(({ to }) => to));
  if (firedUntil - undoneAt > resolvesWithinMs)
    return [
      conclude(
        'failed',
        `${rule.name} still fired ${duration(firedUntil - undoneAt)} after undo, ${wanted}`,
        firedUntil - undoneAt,
      ),
    ];

  // From here to the end it is known that it did not fire.
  const lastOpen = after.findLastIndex((look) => !look.known || [...look.firing.keys()].some((key) => anew.has(key)));
  const quiet = after[lastOpen + 1];
  const end = after.at(-1);
  if (!quiet || !end) {
    const stillFires = end && [...end.firing.keys()].some((key) => anew.has(key));
    return [
      conclude(
        'inconclusive',
        stillFires
          ? `${rule.name} still fired when the run ended, ${duration(Math.max(0, firedUntil - undoneAt))} after undo, ${wanted}`
          : `${rule.name}: nobody can tell whether it was over when the run ended (${silentIn(after, since)})`,
      ),
    ];
  }
  const overMs = rounded(Math.max(0, quiet.at - undoneAt));
  const knownTo = `(known to ${duration(rounded(quiet.at - firedUntil))})`;
  if (overMs <= resolvesWithinMs)
    return [conclude('passed', `${rule.name} was over ${duration(overMs)} after undo ${knownTo}, ${wanted}`, overMs)];
  return [
    conclude(
      'inconclusive',
      `${rule.name} was seen to be over ${duration(overMs)} after undo ${knownTo}, ${wanted}: too close to call`,
      overMs,
    ),
  ];
}

function judgeMustNotFire(rule: MustNotFire, run: Run, { heartbeat }: AlertContract): Finding {
  const matches = (key: string) => labelsOf(key).alertname !== heartbeat && matching(rule, key);
  const { earlier, anew, beforeKnown } = firedIn(run, matches);
  const conclude = (outcome: Outcome, says: string, more: Partial<Finding> = {}): Finding => ({
    ...told(quietCheck(rule), outcome, says),
    bound: '= 0',
    unit: 'alerts',
    ...more,
  });
  const subtracted =
    earlier.length === 0 ? '' : ` Firing before, and not counted: ${earlier.map(alertInWords).join(', ')}.`;
  if (!beforeKnown)
    return conclude(
      'inconclusive',
      `${inWords(rule)}: nobody can tell what was firing before (${silentIn(run.before, run.since)}).`,
    );
  if (anew.size > 0) {
    const fired = [...anew].map(
      ([key, { from, to }]) => `${alertInWords(key)}, ${duration(from - run.since)} to ${duration(to - run.since)}`,
    );
    const [first = ''] = examplesOf(fired);
    return conclude(
      'failed',
      `${counted(anew.size, 'alert')} of ${inWords(rule)} fired, wanted none: ${first} after the ${run.landedAt === undefined ? 'steady phase began' : 'inject'}${anew.size > 1 ? `, and ${anew.size - 1} more` : ''}.${subtracted}`,
      { measured: anew.size, examples: examplesOf(fired) },
    );
  }
  if (run.after.some(({ known }) => !known))
    return conclude(
      'inconclusive',
      `${inWords(rule)} was not seen to fire, and nobody can tell whether it did (${silentIn(run.after, run.since)}).${subtracted}`,
    );
  return conclude(
    'passed',
    `${inWords(rule)} did not fire at any of ${counted(run.after.length, 'look')}.${subtracted}`,
    {
      measured: 0,
    },
  );
}

const matching = ({ name, labels = {} }: MustNotFire, key: string): boolean => {
  const own = labelsOf(key);
  return (
    (name === undefined || own.alertname === name) &&
    Object.entries(labels).every(([label, value]) => own[label] === value)
  );
};

/** NodeDown, or severity=critical,part=service. */
function inWords({ name = '', labels = {} }: MustNotFire): string {
  const of = Object.entries(labels)
    .sort(([a], [b]) => compareText(a, b))
    .map(([label, value]) => `${label}=${value}`)
    .join(',');
  return name === '' ? of : of === '' ? name : `${name}{${of}}`;
}

/** Who could not tell, how often and when first. */
function silentIn(looks: readonly AlertLook[], since: Instant): string {
  const unknown = looks.filter(({ known }) => !known);
  const who = [...new Set(unknown.flatMap(({ silent }) => silent))].sort(compareText).join(', ');
  const [first] = unknown;
  return first
    ? `no evaluation of ${who} at ${unknown.length} of ${counted(looks.length, 'look')}, first at ${duration(first.at - since)}`
    : 'each look was whole';
}

const told = (check: string, outcome: Outcome, says: string): Finding => ({ check, outcome, says });
