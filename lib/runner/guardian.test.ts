import { expect, test } from 'vitest';
import { fakeClock, fakeCluster, fakeFault, fakeReach, fakeTarget } from '../../tests/fakes/run.ts';
import type { Cluster } from '../model/reach.ts';
import { guardTarget, takeGuardianReports } from './guardian.ts';
import { leaseDurationMs, readLease, takeLease } from './lease.ts';
import { listTickets, storeTicket } from './ticket-store.ts';
import { undoTickets } from './undo-tickets.ts';

const { namespace } = fakeTarget.suite;
const ttlMs = leaseDurationMs;

/** A target with the fault of a run in it, and a guardian who watches it until `end`. */
function watched(cluster: Cluster = fakeCluster(), name = 'guardian-0') {
  const clock = fakeClock();
  const end = new AbortController();
  const said: string[] = [];
  const fault = fakeFault();
  const guarding = guardTarget(
    {
      clock,
      cluster,
      namespace,
      name,
      say: (text) => said.push(text),
      async undo(signal) {
        const { reach } = await fakeReach(clock, cluster)({ runId: 'guardian', seed: 0, signal });
        return undoTickets(
          { clock, reach, undoable: ({ ticket }) => ({ fault, ticket }), withinMs: 60_000 },
          () => undefined,
        );
      },
    },
    end.signal,
  );
  return {
    clock,
    cluster,
    said,
    fault,
    async broken() {
      const { reach } = await fakeReach(clock, cluster)({ runId: 'rdead', seed: 0, signal: end.signal });
      const ticket = await fault.prepare(reach);
      await storeTicket(cluster, namespace, {
        schema: 'shakedown.ticket/1',
        runId: 'rdead',
        scenario: 'x',
        fault: fault.name,
        version: 1,
        number: 1,
        ticket,
      });
      await fault.inject(ticket, reach);
    },
    isBroken: async () =>
      (await cluster.get({ apiVersion: 'v1', kind: 'Broken', namespace: 'erp', name: 'broken-rdead' })) !== undefined,
    tickets: async () => (await listTickets(cluster, namespace)).length,
    async close() {
      end.abort(new Error('the test is over'));
      await guarding;
    },
  };
}

/** A run whose process is killed: its Lease stays as it was last renewed. */
async function deadRun(cluster: Cluster, clock: ReturnType<typeof fakeClock>): Promise<void> {
  const never = fakeClock();
  await takeLease(cluster, {
    namespace,
    holder: 'rdead on host',
    clock: { ...never, now: clock.now, sleep: () => new Promise(() => undefined) },
  });
}

test('a run that is not heard of for its time-to-live loses its Lease and is undone; who comes next is told', async () => {
  const one = watched();
  await deadRun(one.cluster, one.clock);
  await one.broken();
  await one.clock.sleep(ttlMs - 2_000);
  expect(await one.isBroken()).toBe(true);
  await one.clock.sleep(6_000);
  expect(await one.isBroken()).toBe(false);
  expect(await one.tickets()).toBe(0);
  expect((await readLease(one.cluster, namespace))?.spec?.holderIdentity).toBe('');
  const reports = await takeGuardianReports(one.cluster, namespace);
  expect(reports).toMatchObject([{ runId: 'rdead', undone: [{ fault: 'fake/break', left: [] }] }]);
  expect(await takeGuardianReports(one.cluster, namespace)).toEqual([]);
  await one.close();
});

test('a run that is heard of is left alone, however long it takes', async () => {
  const one = watched();
  const lease = await takeLease(one.cluster, { namespace, holder: 'ralive', clock: one.clock });
  await one.broken();
  await one.clock.sleep(10 * ttlMs);
  expect(await one.isBroken()).toBe(true);
  expect(lease.lost.aborted).toBe(false);
  await lease.release();
  await one.close();
});

test('a run whose Lease was taken over is told so, and can’t renew it any more', async () => {
  const one = watched();
  let stalled = false;
  const lease = await takeLease(one.cluster, {
    namespace,
    holder: 'rslow',
    clock: {
      ...one.clock,
      // A process that was stopped for a while: its timers come late.
      sleep: async (ms, signal) => {
        await one.clock.sleep(stalled ? ms : ms + 2 * ttlMs, signal);
        stalled = true;
      },
    },
  });
  await one.broken();
  await one.clock.sleep(3 * ttlMs + 10_000);
  expect(await one.isBroken()).toBe(false);
  expect(lease.lost.aborted).toBe(true);
  expect(String(lease.lost.reason)).toMatch(/taken over|could not be renewed/);
  await lease.release();
  await one.close();
});

test('of two guardians one takes over, and the other finds nothing left to do', async () => {
  const cluster = fakeCluster();
  const one = watched(cluster);
  const two = watched(cluster, 'guardian-1');
  await deadRun(cluster, one.clock);
  await one.broken();
  await Promise.all([one.clock.sleep(ttlMs + 6_000), two.clock.sleep(ttlMs + 6_000)]);
  expect(await one.isBroken()).toBe(false);
  expect(await one.tickets()).toBe(0);
  expect(await takeGuardianReports(cluster, namespace)).toHaveLength(1);
  await one.close();
  await two.close();
});

test('tickets that nobody plays with are undone too: a run that ended dirty, or could not say that it ended', async () => {
  const one = watched();
  await one.broken();
  await one.clock.sleep(40_000);
  expect(await one.isBroken()).toBe(false);
  expect(await one.tickets()).toBe(0);
  await one.close();
});

test('an API server that was away begins the watch anew: what could not be seen is not known to have stopped', async () => {
  const cluster = fakeCluster();
  let away = false;
  const flaky: Cluster = {
    ...cluster,
    get: (ref) => (away ? Promise.reject(new Error('connection refused')) : cluster.get(ref)),
  };
  const one = watched(flaky);
  await deadRun(cluster, one.clock);
  await one.broken();
  await one.clock.sleep(10_000);
  away = true;
  await one.clock.sleep(20_000);
  away = false;
  await one.clock.sleep(ttlMs - 3_000);
  expect(await one.isBroken()).toBe(true);
  await one.clock.sleep(8_000);
  expect(await one.isBroken()).toBe(false);
  expect(one.said).toEqual(expect.arrayContaining([expect.stringContaining('can’t look'.replace('’', "'"))]));
  await one.close();
});

test('what could not be undone keeps its ticket, and is tried again', async () => {
  const one = watched();
  let fails = true;
  const { undo } = one.fault;
  (one.fault as { undo: typeof undo }).undo = async (ticket, reach) => {
    if (fails) throw new Error('no way there');
    await undo(ticket, reach);
  };
  await deadRun(one.cluster, one.clock);
  await one.broken();
  await one.clock.sleep(ttlMs + 6_000);
  expect(await one.tickets()).toBe(1);
  expect(one.said).toEqual(expect.arrayContaining([expect.stringContaining('no way there')]));
  fails = false;
  await one.clock.sleep(70_000);
  expect(await one.isBroken()).toBe(false);
  expect(await one.tickets()).toBe(0);
  await one.close();
});

test('a run whose renewals hang gives up before anybody may believe that it is dead', async () => {
  const clock = fakeClock();
  const cluster = fakeCluster();
  let hangs = false;
  const lease = await takeLease(
    { ...cluster, replace: (object) => (hangs ? new Promise(() => undefined) : cluster.replace(object)) },
    { namespace, holder: 'rhanging', clock },
  );
  await clock.sleep(10_000);
  expect(lease.fenced()).toBeUndefined();
  hangs = true;
  await clock.sleep(ttlMs - 2_000);
  expect(lease.lost.aborted).toBe(true);
  expect(lease.fenced()).toContain('could not be renewed');
  hangs = false;
  await lease.release();
});

test('a process that was stopped and goes on is fenced before its timers have told it', async () => {
  const clock = fakeClock();
  let offMs = 0;
  const lease = await takeLease(fakeCluster(), {
    namespace,
    holder: 'rstopped',
    clock: { ...clock, mono: () => clock.mono() + offMs },
  });
  expect(lease.fenced()).toBeUndefined();
  offMs = 12_000;
  expect(lease.fenced()).toContain('may be somebody else');
  await lease.release();
});
