import { expect, test } from 'vitest';
import config from '../../k6.config.ts';
import { journeys } from '../model/claim.ts';
import type { Target } from '../model/target.ts';
import { connectAddressOf } from './k6-command.ts';
import { loadTask } from './task.ts';
import { techniciansFrom } from './technicians.ts';

const site: Target['site'] = {
  url: 'https://erp.example.com/',
  dialect: 'frappe-15',
  markerField: 'custom_client_marker',
  company: 'Wind Power LLC',
  warehouse: 'Stores - WP',
  technicians: { namespace: 'erp', name: 'technicians' },
  barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
};
const technicians = Array.from({ length: 80 }, (_, n) => ({ user: `u${n}`, apiKey: `k${n}`, apiSecret: `s${n}` }));
const request = { profile: 'gate', runId: 'r1', seed: 5, durationMsMax: 90_000.4 };
const parts = { config, site, technicians, request, permitUrl: 'http://127.0.0.1:1/' };

test('each journey is an open-model workload with all its virtual users from the start', () => {
  const { scenarios } = loadTask(parts).options as { scenarios: Record<string, unknown> };
  expect(Object.keys(scenarios)).toEqual(['barcode-lookup', 'goods-receipt', 'parts-issue', 'entry-cancel']);
  expect(scenarios['goods-receipt']).toEqual({
    executor: 'constant-arrival-rate',
    rate: 7200,
    timeUnit: '1h',
    duration: '90001ms',
    preAllocatedVUs: 62,
    maxVUs: 62,
    gracefulStop: '81000ms',
  });
});

test('certificates are verified, and k6 passes no threshold that it could pass without data', () => {
  const { options } = loadTask(parts);
  expect(options).toMatchObject({ insecureSkipTLSVerify: false });
  expect(options).not.toHaveProperty('thresholds');
});

test('one token for each technician of the profile', () => {
  const { tokens, technicians } = loadTask(parts);
  expect(tokens.length).toBe(60);
  expect(tokens[59]).toBe('k59:s59');
  expect(technicians?.length).toBe(60);
});

test('the site’s host is mapped to the address to connect to, its port too', () => {
  expect(loadTask({ ...parts, connectTo: '10.0.0.9' }).options).toMatchObject({
    hosts: { 'erp.example.com': '10.0.0.9' },
  });
  const other = { ...site, url: 'https://erp.example.com:8443' };
  expect(loadTask({ ...parts, site: other, connectTo: '10.0.0.9' }).options).toMatchObject({
    hosts: { 'erp.example.com:8443': '10.0.0.9' },
  });
  expect(loadTask(parts).options).not.toHaveProperty('hosts');
});

test('the site’s url ends without a slash', () => {
  expect(loadTask(parts).site.url).toBe('https://erp.example.com');
});

test('a run id that can not be part of a marker is refused', () => {
  expect(() => loadTask({ ...parts, request: { ...request, runId: 'r1/x' } })).toThrow('wants 1 to 100 letters');
});

test.each([
  [undefined, undefined],
  ['10.0.0.9', '10.0.0.9'],
  ['10.0.0.9:8443', '10.0.0.9:8443'],
  ['fd00::9', 'fd00::9'],
  ['[fd00::9]:8443', '[fd00::9]:8443'],
])('connectAddress %s is %s to k6', async (connectAddress, expected) => {
  expect(await connectAddressOf({ ...site, connectAddress })).toBe(expected);
});

test('the name of a connect address is resolved, since k6 takes only addresses', async () => {
  expect(await connectAddressOf({ ...site, connectAddress: 'localhost:8443' })).toMatch(
    /^(127\.0\.0\.1|\[::1\]):8443$/,
  );
});

test('technicians are read with whatever else stands beside them', () => {
  expect(techniciansFrom('[{"user":"a@b","apiKey":"k","apiSecret":"s","role":"x"}]')).toEqual([
    { user: 'a@b', apiKey: 'k', apiSecret: 's' },
  ]);
});

test('a password is read where there is one', () => {
  expect(techniciansFrom('[{"user":"a@b","apiKey":"k","apiSecret":"s","password":"p w"}]')[0]?.password).toBe('p w');
});

test.each([
  ['sEcReT', 'users.json is no JSON'],
  ['[{"user":"a","apiKey":"k","apiSecret":"sEcReT","password":7}]', 'entry 0 has no usable password'],
  ['[]', 'wants a list of users'],
  ['{"sEcReT":1}', 'wants a list of users'],
  ['[{"user":"a","apiKey":"k","apiSecret":"sEcReT\\r\\nX: y"}]', 'entry 0 has no usable apiSecret'],
  ['[{"user":"a","apiSecret":"sEcReT"}]', 'entry 0 has no usable apiKey'],
])('technicians %j are refused without telling a value', (text, message) => {
  let told = '';
  try {
    techniciansFrom(text);
  } catch (error) {
    told = String(error);
  }
  expect(told).toContain(message);
  expect(told).not.toContain('sEcReT');
});

const whole: Target['site'] = {
  ...site,
  dockWarehouse: 'Dock - WP',
  jobCards: { workOrder: 'MFG-WO-1', operation: 'Assemble' },
  features: ['files', 'realtime'],
};
const withPasswords = technicians.map((one, n) => ({ ...one, password: `p${n}` }));

test('on a target that has everything, every journey is played, and whoever logs in is told the password', () => {
  const task = loadTask({ ...parts, site: whole, technicians: withPasswords });
  expect(Object.keys((task.options as { scenarios: object }).scenarios)).toEqual([...journeys]);
  expect(task.logins?.length).toBe(60);
  expect(task.logins?.[59]).toEqual({ user: 'u59', password: 'p59' });
  expect(task.site).toMatchObject({ dockWarehouse: 'Dock - WP', jobCards: { workOrder: 'MFG-WO-1' } });
});

test('where nobody logs in, nobody is told a password', () => {
  expect(loadTask(parts)).not.toHaveProperty('logins');
  const noLogins = {
    ...config,
    profiles: { gate: { technicians: 60, perTechnicianHour: { 'barcode-lookup': 1 } } },
  };
  expect(JSON.stringify(loadTask({ ...parts, config: noLogins, technicians: withPasswords }))).not.toContain('p59');
});

test('a shift becomes a ramping rate, and what it does not change stays constant', () => {
  const task = loadTask({ ...parts, request: { ...request, profile: 'peak' } });
  expect((task.options as { scenarios: Record<string, unknown> }).scenarios).toMatchObject({
    'barcode-lookup': {
      executor: 'ramping-arrival-rate',
      timeUnit: '1h',
      startRate: 72_000,
      stages: [
        { target: 144_000, duration: '10000ms' },
        { target: 144_000, duration: '80001ms' },
      ],
      maxVUs: 1240,
    },
    'parts-issue': { executor: 'constant-arrival-rate' },
  });
});

test('hot items go along with the profile that has them', () => {
  expect(loadTask(parts).barcodes).toEqual({ skew: 1, missRatio: 0.03 });
  expect(loadTask({ ...parts, request: { ...request, profile: 'spike' } }).barcodes).toEqual({
    skew: 1,
    missRatio: 0.03,
    hotItems: { count: 3, ratio: 0.5 },
  });
});

test('a profile of which the target has no place for anything is refused', () => {
  const only = { ...config, profiles: { gate: { technicians: 1, perTechnicianHour: { 'job-card': 1 } } } };
  expect(() => loadTask({ ...parts, config: only })).toThrow(
    'profile gate plays nothing on this target: job-card, the target has no site.jobCards',
  );
});
