import { expect, test } from 'vitest';
import { inconclusive, notReady, ready } from '../tests/fixtures/readiness.ts';
import { junitXml } from './junit.ts';

/** Element names in order, and whether every one that opens is closed: enough to see that it is well-formed. */
function elements(xml: string): readonly string[] {
  const names: string[] = [];
  const open: string[] = [];
  for (const [, close, name, attributes] of xml.matchAll(/<(\/?)([a-z]+)((?:\s+[a-z]+="[^"<]*")*)\s*\/?>/g)) {
    if (close) expect(open.pop()).toBe(name);
    else names.push(name ?? '');
    if (!close && !xml.includes(`<${name}${attributes}/>`)) open.push(name ?? '');
  }
  expect(open).toEqual([]);
  expect(xml.replace(/<\?xml[^>]*\?>|<\/?[a-z]+(?:\s+[a-z]+="[^"<]*")*\s*\/?>/g, '')).not.toMatch(/[<>]/);
  return names;
}

const count = (names: readonly string[], name: string) => names.filter((one) => one === name).length;

test('a gate that is ready has cases that passed, and no failure or error', () => {
  const names = elements(junitXml(ready().readiness));
  expect(names[0]).toBe('testsuites');
  expect(count(names, 'testcase')).toBeGreaterThan(20);
  expect(count(names, 'failure') + count(names, 'error')).toBe(0);
});

test('each failed finding is a failure that names what was lost', () => {
  const gate = notReady().readiness;
  const xml = junitXml(gate);
  const failed = gate.runs.flatMap(({ findings }) => findings.filter(({ outcome }) => outcome === 'failed'));
  expect(count(elements(xml), 'failure')).toBe(failed.length);
  expect(xml).toContain('<failure message="11 acknowledged writes of 125 lost."');
  expect(xml).toContain('on no Galera node');
});

test('what is inconclusive, and what was not run, is an error and never a skip', () => {
  const gate = inconclusive().readiness;
  const names = elements(junitXml(gate));
  const unclear = gate.runs.flatMap(({ findings }) => findings.filter(({ outcome }) => outcome === 'inconclusive'));
  expect(count(names, 'error')).toBe(unclear.length + gate.skipped.length);
  expect(count(names, 'error')).toBeGreaterThan(0);
  expect(count(names, 'skipped')).toBe(gate.untested.length);
});

test('a target left dirty is an error, and so is a run without a finding', () => {
  const gate = ready().readiness;
  const [first, ...rest] = gate.runs;
  if (!first) throw new Error('no run');
  expect(junitXml({ ...gate, runs: [{ ...first, residue: ['helper pod x'] }, ...rest] })).toContain(
    '<error message="The target was left dirty: helper pod x"',
  );
  expect(junitXml({ ...gate, runs: [{ ...first, findings: [] }, ...rest] })).toContain('nothing is known');
});

test('what a target wrote stays text, and forbidden characters do not break the file', () => {
  const gate = notReady().readiness;
  const says = '<b>"&\u0000\u001b[31m\ud800';
  const [first, ...rest] = gate.runs;
  if (!first) throw new Error('no run');
  const xml = junitXml({ ...gate, runs: [{ ...first, findings: [{ check: 'x', outcome: 'failed', says }] }, ...rest] });
  elements(xml);
  expect(xml).toContain('&lt;b&gt;&quot;&amp;\ufffd\ufffd[31m\ufffd');
});
