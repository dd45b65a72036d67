import { expect, test } from 'vitest';
import { fakeCluster } from '../../tests/fakes/cluster.ts';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { suspendCronJob as fault } from './suspend-cronjob.ts';

const labels = { kind: 'check' };

function world(spec: object = {}, target = { ...fakeTarget, cronJobs: { namespace: 'erp', selector: 'kind=check' } }) {
  const cronJob = (name: string, more: object) => ({
    kind: 'CronJob',
    metadata: { namespace: 'erp', name, uid: `uid-${name}`, generation: 1, resourceVersion: '1', labels },
    spec: { schedule: '*/5 * * * *', suspend: false, ...more },
    status: { lastScheduleTime: '2026-11-23T11:55:00Z' },
  });
  const cluster = fakeCluster({
    objects: [cronJob('saved', spec), cronJob('asleep', { suspend: true })] as never,
  });
  const reach = fakeReach({ cluster, target });
  const object = () =>
    cluster.objects.get('CronJob erp/saved') as unknown as { spec: { suspend: boolean }; status: object };
  const scheduled = (at: string) =>
    cluster.objects.set('CronJob erp/saved', { ...object(), status: { lastScheduleTime: at } } as never);
  return { cluster, reach, object, scheduled };
}

test('one that is not suspended already is chosen, suspended, and resumed', async () => {
  const { reach, object } = world();
  expect(await fault.targets(reach)).toEqual([{ namespace: 'erp', name: 'saved' }]);
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect(object().spec.suspend).toBe(true);
  expect((await fault.landed(ticket, reach)).is).toBe('yes');
  await fault.undo(ticket, reach);
  expect(object().spec.suspend).toBe(false);
  expect(await fault.residue(ticket, reach)).toEqual({ is: 'clean', left: [] });
});

test('effect: nobody can tell until a time of the schedule has passed; then it is whether a Job was made', async () => {
  // The fake clock stands at 12:00:00, a time of the schedule itself, which no longer counts.
  const { reach, scheduled } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  expect(await fault.effect(ticket, reach)).toMatchObject({
    is: 'cannot-tell',
    evidence: { due: '2026-11-23T12:05:00.000Z', zone: 'UTC, assumed' },
  });
  await reach.sleep(5 * 60_000 + 20_000);
  expect((await fault.effect(ticket, reach)).is).toBe('yes');
  scheduled('2026-11-23T12:05:00Z');
  expect((await fault.effect(ticket, reach)).is).toBe('no');
});

test('another process, which does not know when it was suspended, cannot tell the effect', async () => {
  const { reach } = world();
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  await reach.sleep(600_000);
  const copy = JSON.parse(JSON.stringify(ticket));
  expect((await fault.effect(copy, reach)).is).toBe('cannot-tell');
  expect((await fault.landed(copy, reach)).is).toBe('yes');
});

test('a schedule that can’t be read leaves the effect open for ever', async () => {
  const { reach } = world({ schedule: '0 3 * * MON' });
  const ticket = await fault.prepare(reach);
  await fault.inject(ticket, reach);
  await reach.sleep(8 * 24 * 3_600_000);
  expect(await fault.effect(ticket, reach)).toMatchObject({ is: 'cannot-tell', evidence: { due: 'cannot be told' } });
});

test('prepare refuses a target that names none, and one whose CronJobs are all suspended', async () => {
  await expect(fault.prepare(world({}, fakeTarget as never).reach)).rejects.toThrow('fake names no cronJobs');
  await expect(fault.prepare(world({ suspend: true }).reach)).rejects.toThrow('that is not suspended, of 2 there');
});
