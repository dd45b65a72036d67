import { expect, test } from 'vitest';
import { fakeReach } from '../../tests/fakes/reach.ts';
import { alertmanagerAlerts, alertmanagerSilences } from '../../tests/fixtures/alertmanager.ts';
import type { AlertmanagerAnswer } from '../model/alertmanager.ts';
import { alertmanagerLook } from './alertmanager.ts';

const look = (...answers: AlertmanagerAnswer[]) =>
  alertmanagerLook.read(fakeReach({ alertmanager: { ask: async () => answers } }));
const whole = { alerts: alertmanagerAlerts, silences: alertmanagerSilences };

test('what is held back is counted, and told with what holds it back', async () => {
  expect(await look({ replica: 'alertmanager-0', ...whole })).toEqual({
    at: expect.any(Number),
    value: 2,
    seen: {
      replicas: [
        {
          replica: 'alertmanager-0',
          alerts: [
            expect.objectContaining({
              labels: { alertname: 'NodeDown', severity: 'critical', node: 'node-2' },
              state: 'active',
            }),
            expect.objectContaining({ state: 'suppressed', inhibitedBy: ['aaaa000000000001'] }),
            expect.objectContaining({ state: 'suppressed', silencedBy: ['2f1a0c7e-0000-4000-8000-000000000001'] }),
          ],
          silences: [
            {
              id: '2f1a0c7e-0000-4000-8000-000000000001',
              matchers: ['alertname="RedisDown"', 'pod!~"redis-queue.*"'],
              comment: 'Redis is moved',
              endsAt: '2026-11-23T03:00:00.000Z',
            },
          ],
        },
      ],
    },
  });
});

test('an alert that one replica has active calls, whatever the other one holds back', async () => {
  const active = alertmanagerAlerts.map((one) => ({ ...one, status: { ...one.status, state: 'active' } }));
  const both = await look({ replica: 'a', ...whole }, { replica: 'b', alerts: active, silences: [] });
  expect(both).toMatchObject({ value: 0 });
});

test('a replica that does not tell is told beside the one that does; none that tells is a gap', async () => {
  const refused = { replica: 'alertmanager-1', error: 'connection refused' };
  expect(await look({ replica: 'alertmanager-0', ...whole }, refused)).toMatchObject({
    value: 2,
    seen: { replicas: [{ replica: 'alertmanager-0' }, refused] },
  });
  expect(await look(refused)).toMatchObject({ missing: 'alertmanager-1: connection refused' });
  expect(await look()).toMatchObject({ missing: 'no replica of Alertmanager was found' });
  expect(await look({ replica: 'a', alerts: {}, silences: [] })).toMatchObject({ missing: 'a: the answer is no list' });
  expect(await look({ replica: 'a', alerts: [{ labels: {} }], silences: [] })).toMatchObject({
    missing: 'a: an alert or a silence that is not understood',
  });
});

test('a target that names no Alertmanager is told so, and nothing is guessed', async () => {
  expect(await alertmanagerLook.read(fakeReach())).toMatchObject({ missing: 'the target file names no Alertmanager' });
});
