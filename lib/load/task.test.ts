import { expect, test } from 'vitest';
import config from '../../k6.config.ts';
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
  expect(Object.keys(scenarios)).toEqual(['barcode-lookup', 'goods-receipt', 'parts-issue']);
  expect(scenarios['goods-receipt']).toEqual({
    executor: 'constant-arrival-rate',
    rate: 7200,
    timeUnit: '1h',
    duration: '90001ms',
    preAllocatedVUs: 62,
    maxVUs: 62,
    gracefulStop: '41000ms',
  });
});

test('certificates are verified, and k6 passes no threshold that it could pass without data', () => {
  const { options } = loadTask(parts);
  expect(options).toMatchObject({ insecureSkipTLSVerify: false });
  expect(options).not.toHaveProperty('thresholds');
});

test('one token for each technician of the profile', () => {
  const { tokens } = loadTask(parts);
  expect(tokens.length).toBe(60);
  expect(tokens[59]).toBe('k59:s59');
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

test.each([
  ['sEcReT', 'users.json is no JSON'],
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
