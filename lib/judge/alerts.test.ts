import { expect, test } from 'vitest';
import {
  alertEvidence,
  contract,
  type Firing,
  faultAt,
  known,
  lookAt,
  missingLook,
  times,
  type Watched,
} from '../../tests/fixtures/alerts.ts';
import { controlClaim, evidenceOf, journalWith } from '../../tests/fixtures/evidence.ts';
import type { AlertContract } from '../model/alert-contract.ts';
import { alertmanagerNotNamed } from '../model/alertmanager.ts';
import { alertsCountRange, alertsRange, type Evidence, type JournalLine } from '../model/evidence.ts';
import type { Json } from '../model/fault.ts';
import type { Finding } from '../model/verdict.ts';
import { judgeAlerts } from './alerts.ts';
import { worstOf } from './findings.ts';
import { judge } from './judge.ts';

/** What was watched is undone after 30.4 s, and the run ends 56.4 s after the fault. */
const undoneMs = times.undone - faultAt;

const nodeDown = (fromMs: number, toMs: number, node = 'node-2'): Firing => ({
  name: 'NodeDown',
  labels: { severity: 'critical', part: 'cluster', node },
  fromMs,
  toMs,
});
const siteDown = (fromMs: number, toMs: number): Firing => ({
  name: 'SiteDown',
  labels: { severity: 'critical', part: 'service' },
  fromMs,
  toMs,
});
const active = lookAt(22_000, [known('NodeDown', {}, { node: 'node-2' })]);

const both = (firing: readonly Firing[], more: Partial<Watched> = {}) => ({
  'prometheus-0': { firing, ...more },
  'prometheus-1': { firing, ...more },
});

const well = both([nodeDown(14_000, 38_000)]);

function findingsOf(
  watched: Readonly<Record<string, Watched>>,
  over: Partial<AlertContract> = {},
  looks: readonly JournalLine[] = [active],
): readonly Finding[] {
  const evidence = alertEvidence(watched, looks, over);
  return judgeAlerts(evidence.claim, evidence);
}

const find = (findings: readonly Finding[], check: string) => findings.find((one) => one.check === `alert.${check}`);
const fires = (...args: Parameters<typeof findingsOf>) => find(findingsOf(...args), 'fires.NodeDown');
const resolves = (...args: Parameters<typeof findingsOf>) => find(findingsOf(...args), 'resolves.NodeDown');
const quiet = (...args: Parameters<typeof findingsOf>) =>
  find(findingsOf(...args), 'quiet.part=service,severity=critical');
const calls = (looks: readonly JournalLine[], over: Partial<AlertContract> = {}) =>
  find(findingsOf(well, over, looks), 'told.NodeDown');

test('a claim without alerts is not judged by any', () => {
  const evidence = evidenceOf();
  expect(judgeAlerts(evidence.claim, evidence)).toEqual([]);
});

test('what fires in time, reaches Alertmanager and is over in time passes, and the verdict with it', () => {
  const evidence = alertEvidence(well, [active]);
  const verdict = judge(evidence.claim, evidence);
  expect(verdict.findings.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
  expect(verdict.findings.filter(({ check }) => check.startsWith('alert.')).map(({ check }) => check)).toEqual([
    'alert.fires.NodeDown',
    'alert.quiet.part=service,severity=critical',
    'alert.resolves.NodeDown',
    'alert.told.NodeDown',
  ]);
});

test('the time to detect is that of the evaluation, from landed, with what it is known to', () => {
  const landed = evidenceOf().journal.find((line) => line.kind === 'step' && line.step === 'landed');
  const finding = fires(well);
  // The first evaluation of the fault's 14th second and later.
  const firedAt = faultAt + 15_100;
  const landedAt = (landed?.kind === 'step' && landed.proof?.at) || Number.NaN;
  expect(finding).toMatchObject({ outcome: 'passed', measured: (firedAt - landedAt) / 1000, bound: '≤ 20', unit: 's' });
  expect(finding?.says).toMatch(
    /^NodeDown fired 1\d(\.\d+)? s after the fault landed \(known to \d(\.\d+)? s\), wanted within 20 s\.$/,
  );
});

test('what never fires fails, when that is known for as long as it had time', () => {
  expect(fires(both([]))).toMatchObject({ outcome: 'failed', says: expect.stringContaining('did not fire within') });
  expect(fires(both([]), { mustFire: [{ name: 'NodeDown', withinMs: 90_000 }] })).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('nobody looked longer'),
  });
});

test('what fires late fails; so near to its bound that nobody can tell, it does not', () => {
  expect(fires(both([nodeDown(32_000, 38_000)]))).toMatchObject({ outcome: 'failed' });
  expect(fires(well, { mustFire: [{ name: 'NodeDown', withinMs: 13_000 }] })).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('too close to call'),
  });
});

test('an alert of the same labels that was firing before shows nothing; one of others is told, and not in the way', () => {
  expect(fires(both([nodeDown(-20_000, 38_000)]))).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('NodeDown{node="node-2"} was firing before the fault'),
  });
  const another = fires(both([nodeDown(-20_000, 90_000, 'node-1'), nodeDown(14_000, 38_000)]));
  expect(another).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('NodeDown{node="node-1"} was firing before'),
  });
  // Over before inject: it fired anew.
  expect(fires(both([nodeDown(-30_000, -12_000), nodeDown(14_000, 38_000)]))).toMatchObject({ outcome: 'passed' });
});

test('an alert that began between the last look and inject was firing before', () => {
  const evidence = alertEvidence(both([nodeDown(0, 38_000)]), [active]);
  const outcome = (one: Evidence) => find(judgeAlerts(one.claim, one), 'fires.NodeDown')?.outcome;
  expect(outcome(evidence)).toBe('passed');
  const later = journalWith(evidence, (line) => {
    if (line.at < faultAt) return line;
    const at = line.at + 2_000;
    return line.kind === 'step' && line.proof ? { ...line, at, proof: { ...line.proof, at } } : { ...line, at };
  });
  expect(outcome(later)).toBe('inconclusive');
});

test('labels of the claim narrow what counts', () => {
  const of = (node: string) => ({ mustFire: [{ name: 'NodeDown', labels: { node }, withinMs: 20_000 }] });
  expect(fires(well, of('node-2'))).toMatchObject({ outcome: 'passed' });
  expect(fires(well, of('node-1'))).toMatchObject({
    outcome: 'failed',
    says: expect.stringContaining('NodeDown{node=node-1}'),
  });
  expect(fires({ 'prometheus-0': { firing: [] } }, of('node-1'))).toMatchObject({ outcome: 'inconclusive' });
});

test('one replica that has it is enough, and the other one is told', () => {
  const apart = { 'prometheus-0': { firing: [nodeDown(14_000, 38_000)] }, 'prometheus-1': { firing: [] } };
  expect(fires(apart)).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('on prometheus-0, and not on prometheus-1'),
  });
});

test('a replica that was down may have been the one that fires, and takes nothing from one that did', () => {
  const down = { firing: [], deadMs: [2_000, 90_000] } as const;
  const seen = { 'prometheus-0': { firing: [nodeDown(14_000, 38_000)] }, 'prometheus-1': down };
  expect(fires(seen)).toMatchObject({ outcome: 'passed' });
  const never = { 'prometheus-0': { firing: [] }, 'prometheus-1': down };
  expect(fires(never)).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('no evaluation of prometheus-1'),
  });
  // Unless the claim counts on losing one.
  expect(fires(never, { prometheusReplicasMin: 1 })).toMatchObject({ outcome: 'failed' });
});

test('a replica that was not asked, answered twice, or with an error is one that could not tell', () => {
  const evidence = alertEvidence(both([]), [active]);
  const outcome = (ranges: Evidence['ranges']) =>
    find(judgeAlerts(evidence.claim, { ...evidence, ranges }), 'fires.NodeDown')?.outcome;
  const first = (one: Evidence['ranges'][number]) =>
    one.objective === alertsRange.objective && one.replica === 'prometheus-0';
  expect(outcome(evidence.ranges)).toBe('failed');
  expect(outcome(evidence.ranges.filter((one) => one.replica !== 'prometheus-1'))).toBe('inconclusive');
  expect(outcome([...evidence.ranges, ...evidence.ranges.filter(first)])).toBe('inconclusive');
  expect(outcome(evidence.ranges.map((one) => (first(one) ? { ...one, error: 'HTTP 503' } : one)))).toBe(
    'inconclusive',
  );
  expect(outcome(evidence.ranges.map((one) => (first(one) ? { ...one, query: 'ALERTS' } : one)))).toBe('inconclusive');
  expect(outcome([])).toBe('inconclusive');
});

test('where nothing was evaluated an alert may have fired', () => {
  expect(fires(both([], { deadMs: [6_000, 40_000] }))).toMatchObject({ outcome: 'inconclusive' });
  // A single evaluation that was late is none that was missed.
  expect(fires(both([], { deadMs: [6_000, 11_000] }))).toMatchObject({ outcome: 'failed' });
  // From before the fault on: it may have been firing already.
  expect(fires(both([nodeDown(14_000, 38_000)], { deadMs: [-20_000, 6_000] }))).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('nobody can tell whether it was firing before'),
  });
});

test('rules that are evaluated without the heartbeat are not known to be', () => {
  expect(fires(both([]), { heartbeat: 'Watchdog' })).toMatchObject({ outcome: 'inconclusive' });
});

test('an alert that was taken out of the answer is missed by its count', () => {
  const evidence = alertEvidence(both([nodeDown(14_000, 38_000)]), [active]);
  const ranges = evidence.ranges.map((one) => {
    if (one.objective !== alertsRange.objective) return one;
    const { data } = one.response as unknown as { data: { result: { metric: { alertname: string } }[] } };
    const result = data.result.filter(({ metric }) => metric.alertname !== 'NodeDown');
    return { ...one, response: { status: 'success', data: { resultType: 'matrix', result } } as unknown as Json };
  });
  expect(find(judgeAlerts(evidence.claim, { ...evidence, ranges }), 'fires.NodeDown')).toMatchObject({
    outcome: 'inconclusive',
  });
});

test('from its effect on, for a fault whose effect comes in its own time', () => {
  const [rule] = [{ name: 'NodeDown', from: 'effect', withinMs: 10_000 }] as const;
  const evidence = alertEvidence(well, [active], { mustFire: [rule] });
  const at = (atMs: number) =>
    journalWith(evidence, (line) =>
      line.kind === 'step' && line.step === 'effect'
        ? { ...line, at: faultAt + atMs, proof: { is: 'yes', at: faultAt + atMs, evidence: null } }
        : line,
    );
  const outcome = (one: Evidence) => find(judgeAlerts(one.claim, one), 'fires.NodeDown');
  expect(outcome(at(8_000))).toMatchObject({
    outcome: 'passed',
    measured: 7.1,
    says: expect.stringContaining('had its effect'),
  });
  expect(outcome(at(-30_000))).toMatchObject({ outcome: 'inconclusive' });
  expect(outcome(at(100))).toMatchObject({ outcome: 'failed' });
  const unproven = journalWith(evidence, (line) => (line.kind === 'step' && line.step === 'effect' ? undefined : line));
  expect(outcome(unproven)).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('not on record') });
});

test('what is over in time passes, what never is over fails, what was not looked at long enough can’t be told', () => {
  expect(resolves(well)).toMatchObject({ outcome: 'passed', bound: '≤ 15' });
  expect(resolves(both([nodeDown(14_000, 20_000)]))).toMatchObject({ outcome: 'passed', measured: 0 });
  expect(resolves(both([nodeDown(14_000, 90_000)]))).toMatchObject({
    outcome: 'failed',
    says: expect.stringContaining('still fired'),
  });
  const long = { mustFire: [{ name: 'NodeDown', withinMs: 20_000, resolvesWithinMs: 60_000 }] };
  expect(resolves(both([nodeDown(14_000, 90_000)]), long)).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('still fired when the run ended'),
  });
});

test('what is over late fails, what is too near can’t be told', () => {
  expect(resolves(both([nodeDown(14_000, undoneMs + 20_000)]))).toMatchObject({ outcome: 'failed' });
  const near = resolves(both([nodeDown(14_000, undoneMs + 14_000)]));
  expect(near).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('too close to call') });
});

test('an alert that comes back is over when it was the last time, and not while nobody evaluates', () => {
  expect(resolves(both([nodeDown(14_000, 32_000), nodeDown(undoneMs + 19_000, undoneMs + 21_000)]))?.outcome).toBe(
    'failed',
  );
  expect(resolves(both([nodeDown(14_000, 32_000)], { deadMs: [33_000, 90_000] }))).toMatchObject({
    outcome: 'inconclusive',
  });
  expect(resolves(well, { mustFire: [{ name: 'NodeDown', withinMs: 20_000 }] })).toBeUndefined();
});

test('whose undo is not on record can’t be over in time', () => {
  const evidence = alertEvidence(well, [active]);
  const undone = journalWith(evidence, (line) => (line.kind === 'step' && line.step === 'undone' ? undefined : line));
  expect(find(judgeAlerts(undone.claim, undone), 'resolves.NodeDown')).toMatchObject({ outcome: 'inconclusive' });
});

test('an alert that must not fire and does fails, also when one replica alone has it', () => {
  expect(quiet(well)).toMatchObject({ outcome: 'passed', measured: 0 });
  expect(quiet(both([nodeDown(14_000, 38_000), siteDown(10_000, 16_000)]))).toMatchObject({
    outcome: 'failed',
    measured: 1,
    examples: [expect.stringContaining('SiteDown')],
  });
  const apart = { 'prometheus-0': { firing: [] }, 'prometheus-1': { firing: [siteDown(10_000, 16_000)] } };
  expect(quiet(apart)).toMatchObject({ outcome: 'failed' });
});

test('one that was firing before is not counted, and told', () => {
  expect(quiet(both([siteDown(-20_000, 90_000)]))).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('Firing before, and not counted: SiteDown'),
  });
});

test('one that nobody evaluated may have fired; what was seen of it counts all the same', () => {
  expect(quiet(both([], { deadMs: [6_000, 40_000] }))).toMatchObject({ outcome: 'inconclusive' });
  expect(quiet({ 'prometheus-0': { firing: [] } })).toMatchObject({ outcome: 'inconclusive' });
  expect(quiet({ 'prometheus-0': { firing: [siteDown(10_000, 16_000)] } })?.outcome).toBe('inconclusive');
  expect(quiet(both([siteDown(10_000, 16_000)], { deadMs: [20_000, 50_000] }))).toMatchObject({ outcome: 'failed' });
});

test('without a fault it counts from the steady phase on', () => {
  const alerts = { ...contract, mustFire: [] };
  const of = (firing: readonly Firing[]) => {
    const base = alertEvidence(both(firing), [], alerts);
    const control = evidenceOf(controlClaim({ alerts }));
    return find(
      judgeAlerts(control.claim, { ...control, ranges: base.ranges }),
      'quiet.part=service,severity=critical',
    );
  };
  expect(of([])).toMatchObject({ outcome: 'passed' });
  expect(of([siteDown(-20_000, -10_000)])).toMatchObject({
    outcome: 'failed',
    says: expect.stringContaining('steady phase began'),
  });
  expect(of([siteDown(-90_000, 90_000)])).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('not counted'),
  });
});

const silence = {
  id: 's-1',
  matchers: ['alertname="NodeDown"'],
  comment: 'a move',
  endsAt: '2026-11-23T03:00:00.000Z',
};
const silenced = known('NodeDown', { state: 'suppressed', silencedBy: ['s-1'] }, { node: 'node-2' });
const inhibited = known('NodeDown', { state: 'suppressed', inhibitedBy: ['print-of-SiteDown'] }, { node: 'node-2' });

test('an alert that Alertmanager has active would have called', () => {
  expect(calls([active])).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('alertmanager-0 had it active 22 s after inject'),
  });
});

test('one that is silenced or inhibited would have called nobody, and says by what', () => {
  expect(calls([lookAt(22_000, [silenced], [silence])])).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('silenced by alertname="NodeDown" (a move)): nobody would have been called'),
  });
  expect(calls([lookAt(22_000, [inhibited, known('SiteDown')])])).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('inhibited by SiteDown'),
  });
  expect(
    calls([lookAt(22_000, [known('NodeDown', { state: 'suppressed', mutedBy: ['nights'] }, { node: 'node-2' })])]),
  ).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('muted in nights'),
  });
});

test('held back at first and active later calls, and both are told', () => {
  expect(
    calls([lookAt(22_000, [silenced], [silence]), lookAt(27_000, [known('NodeDown', {}, { node: 'node-2' })])]),
  ).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('held back at 1 of 2 looks'),
  });
});

test('a claim may say that being held back is as good', () => {
  const rule = { mustFire: [{ name: 'NodeDown', withinMs: 20_000, mayBeHeldBack: true as const }] };
  expect(calls([lookAt(22_000, [silenced], [silence])], rule)).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('which the claim allows'),
  });
});

test('who did not look, looked before, or found another alert can’t tell', () => {
  expect(calls([])).toMatchObject({ outcome: 'inconclusive', says: expect.stringContaining('Nobody saw') });
  expect(calls([missingLook(22_000, 'alertmanager-0: connection refused')])).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('connection refused'),
  });
  expect(calls([lookAt(5_000, [known('NodeDown', {}, { node: 'node-2' })])])).toMatchObject({
    outcome: 'inconclusive',
  });
  expect(calls([lookAt(22_000, [known('NodeDown', {}, { node: 'node-1' })])])).toMatchObject({
    outcome: 'inconclusive',
    says: expect.stringContaining('did not have NodeDown'),
  });
  const nonsense = {
    ...active,
    seen: { replicas: [{ replica: 'a', alerts: [{ state: 'active' }], silences: [] }] },
  } as JournalLine;
  expect(calls([nonsense])).toMatchObject({ outcome: 'inconclusive' });
});

test('a target that names no Alertmanager is told, not guessed at', () => {
  expect(calls([missingLook(22_000, alertmanagerNotNamed)])).toMatchObject({
    outcome: 'passed',
    says: expect.stringContaining('was not looked at: the target file names no Alertmanager'),
  });
  expect(calls([missingLook(17_000, alertmanagerNotNamed), missingLook(22_000, 'refused')])).toMatchObject({
    outcome: 'inconclusive',
  });
});

/** mulberry32 */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Answered {
  readonly data: {
    readonly result: readonly { readonly metric: Json; readonly values: readonly [number, string][] }[];
  };
}

/** Half of the time one alert alone loses a stretch, on every replica; else samples, series, lines and looks, each with some chance. */
function poorer(evidence: Evidence, random: () => number): Evidence {
  const alone = random() < 0.5 ? (random() < 0.7 ? 'NodeDown' : 'SiteDown') : undefined;
  const from = (faultAt - 20_000 + 70_000 * random()) / 1000;
  const to = from + 40 * random() ** 2;
  const lost = random() ** 3;
  const kept = () => random() >= lost;
  const ranges = evidence.ranges.flatMap((one) => {
    if (one.objective !== alertsRange.objective && one.objective !== alertsCountRange.objective) return [one];
    if (alone === undefined && random() < lost / 4) return [];
    const result = (one.response as unknown as Answered).data.result
      .filter(() => alone !== undefined || random() >= lost / 2)
      .map(({ metric, values }) => ({
        metric,
        values: values.filter(([at]) =>
          alone === undefined ? kept() : (metric as { alertname?: string }).alertname !== alone || at < from || at > to,
        ),
      }));
    return [{ ...one, response: { status: 'success', data: { resultType: 'matrix', result } } as unknown as Json }];
  });
  const journal = evidence.journal.filter(({ kind }) => kind !== 'reading' || alone !== undefined || kept());
  return { ...evidence, ranges, journal };
}

test('taking samples and looks away never makes it pass, and one that failed no better than unknown', () => {
  const random = chance(7);
  const between = (low: number, high: number) => low + Math.floor(random() * (high - low));
  const seen = { passed: 0, inconclusive: 0, failed: 0 };
  for (let round = 0; round < 400; round += 1) {
    const firing = (): Firing[] => [
      ...(random() < 0.8 ? [nodeDown(between(-15_000, 30_000), between(10_000, 60_000))] : []),
      ...(random() < 0.2 ? [nodeDown(between(-15_000, 30_000), between(10_000, 60_000), 'node-1')] : []),
      ...(random() < 0.2 ? [siteDown(between(-15_000, 30_000), between(10_000, 60_000))] : []),
    ];
    const same = random() < 0.7 ? firing() : undefined;
    const deadFrom = between(-20_000, 50_000);
    const one = (): Watched => ({
      firing: same ?? firing(),
      ...(random() < 0.2 ? { deadMs: [deadFrom, deadFrom + between(5_000, 40_000)] as const } : {}),
    });
    const alert = () => (random() < 0.5 ? silenced : known('NodeDown', {}, { node: 'node-2' }));
    const looks = [10_000, 15_000, 20_000, 25_000].map((at) => lookAt(at, random() < 0.8 ? [alert()] : [], [silence]));
    const evidence = alertEvidence({ 'prometheus-0': one(), 'prometheus-1': one() }, looks, {
      mustFire: [{ name: 'NodeDown', withinMs: between(8_000, 30_000), resolvesWithinMs: between(5_000, 30_000) }],
    });
    const outcomeOf = (of: Evidence) => worstOf(judgeAlerts(of.claim, of));
    const whole = outcomeOf(evidence);
    seen[whole] += 1;
    for (let times = 0; times < 8; times += 1) {
      const less = outcomeOf(poorer(evidence, random));
      if (whole !== 'passed') expect(less, `round ${round}`).not.toBe('passed');
    }
  }
  // A property of evidence that is all alike would show nothing.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(20);
});

test('in whatever order it was read', () => {
  const evidence = alertEvidence(well, [active]);
  const shuffled = { ...evidence, ranges: [...evidence.ranges].reverse() };
  expect(judgeAlerts(evidence.claim, shuffled)).toEqual(judgeAlerts(evidence.claim, evidence));
  expect(evidence.ranges.some(({ objective }) => objective === alertsCountRange.objective)).toBe(true);
});
