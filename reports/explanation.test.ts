import { expect, test } from 'vitest';
import type { Explanation } from '../lib/model/explanation.ts';
import { explanationText } from './explanation.ts';

const at = Date.UTC(2026, 10, 23, 1, 30, 0, 500);
const lines = [{ item: 'ITEM-0001', warehouse: 'Stores - WP', qty: -2 }];
const member = (node: string) => ({ node, rounds: 2, from: at + 60_000, to: at + 61_000, documents: [], jobs: [] });

const lost: Explanation = {
  schema: 'shakedown.explanation/1',
  marker: 'r1-issue-7',
  run: { folder: 'runs/gate/crash', scenario: 'crash', runId: 'r1', target: 'lab' },
  word: 'lost',
  outcome: 'failed',
  says: ['on no Galera node, acknowledged as MAT-7'],
  requests: [
    {
      journey: 'parts-issue',
      iteration: 7,
      technician: 'technician-07@example.com',
      virtualUser: 12,
      sentAt: at,
      answeredAt: at + 43,
      status: 200,
      good: true,
      outcome: 'acknowledged',
      why: 'answered 200 with the document MAT-7 as submitted',
      lines,
      exchanges: [
        {
          at,
          method: 'POST',
          status: 200,
          durationMs: 43,
          servedBy: 'web-1',
          member: 'galera-1',
          connection: 'kept',
          remote: '198.18.0.3:443',
        },
      ],
    },
  ],
  member: { name: 'galera-1', by: 'answer', says: "by the answer's own header" },
  found: [
    member('galera-0'),
    { ...member('galera-1'), rounds: 0, error: 'refused' },
    { ...member('galera-2'), firstSeen: { round: 0, at } },
  ],
  namesakes: ['MAT-7 is the document of r1-issue-9'],
  stock: [
    {
      item: 'ITEM-0001',
      warehouse: 'Stores - WP',
      members: [{ node: 'galera-0', before: { ledger: 5, bin: 5 }, after: { ledger: 5, bin: 3 } }],
    },
  ],
  moment: {
    at,
    phase: 'steady',
    answeredIn: 'fault',
    faults: [],
    inject: { fault: 'galera/writer-crash', on: 'erp/galera-1', msAfter: -3 },
    timeline: [
      { ms: 0, kind: 'own', says: 'sent' },
      { ms: 40, kind: 'step', says: 'galera/writer-crash injected on erp/galera-1' },
    ],
    readings: [
      { series: 'app-writer-nodes', agoMs: 800, value: 1, seen: 'galera-1' },
      { series: 'galera-size-min', agoMs: 900, missing: 'x'.repeat(500) },
    ],
    alerts: [],
    around: { withinMs: 1_000, good: 40, bad: 2, dropped: 0, writes: { acknowledged: 7, refused: 0, unknown: 1 } },
  },
  gaps: [],
};

test('it reads from what became of the write to what the system was', () => {
  const text = explanationText(lost, { colour: false });
  for (const said of [
    'r1-issue-7: LOST after it was acknowledged',
    'parts-issue, iteration 7, technician technician-07@example.com, virtual user 12',
    'POST at 01:30:00.500: 200 after 43 ms, from web-1, a kept connection to 198.18.0.3:443',
    "member     galera-1, by the answer's own header",
    'galera-0: not there in any of 2 rounds',
    'galera-1: not read to the end (a round could not be read: refused)',
    'galera-2: there in round 0, and gone in the last one',
    'the name was given away again: MAT-7 is the document of r1-issue-9',
    'galera-0 5 before the load, 5 (bin 3) after',
    'steady state (answered in fault)',
    '3 ms before the answer',
    'app-writer-nodes: 1 (galera-1), 800 ms before',
    'none was firing',
  ])
    expect(text.replaceAll(/\s+/g, ' ')).toContain(said.replaceAll(/\s+/g, ' '));
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
});

test('of a write that nobody sent there is no moment, and that alerts are not known is no silence', () => {
  const { moment: _, ...rest } = lost;
  const ghost = explanationText({ ...rest, requests: [], gaps: ['ledger.ndjson: missing.'] }, { colour: false });
  expect(ghost).not.toContain('At that moment');
  expect(ghost).toContain('ledger.ndjson: missing.');
  const { alerts: __, ...moment } = lost.moment as NonNullable<Explanation['moment']>;
  expect(explanationText({ ...lost, moment }, { colour: false })).toMatch(/alerts\s+not known/);
});

test('times that are none and names with anything in them do no harm', () => {
  const text = explanationText(
    {
      ...lost,
      marker: 'r1-\u001b[2J\n',
      says: ['\u202eevil'],
      requests: lost.requests.map((request) => ({ ...request, sentAt: 1e300, technician: '\u0007' })),
      found: [{ ...member('a\u001b[31m'), from: Number.NaN }],
    },
    { colour: false },
  );
  for (const character of ['\u001b', '\u0007', '\u202e']) expect(text).not.toContain(character);
});
