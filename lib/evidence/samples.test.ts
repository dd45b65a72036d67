import { expect, test } from 'vitest';
import { parseSample } from './samples.ts';

/** As k6 2.x wrote it, but for the ids. */
const write =
  '{"metric":"operation","type":"Point","data":{"time":"2026-11-23T01:30:00.123456789Z","value":43.25,"tags":{"journey":"parts-issue","outcome":"good","scenario":"parts-issue"},"metadata":{"sentAt":"1795397400080.5","status":"200","marker":"r1-issue-7","write":"acknowledged","document":"MAT-STE-2026-00007","lines":"[[\\"ITEM-0001\\",\\"Stores - WP\\",-2]]"}}}';

const changed = (
  change: (point: {
    data: { value: unknown; tags: Record<string, unknown>; metadata: Record<string, unknown> };
  }) => void,
) => {
  const point = JSON.parse(write);
  change(point);
  return JSON.stringify(point);
};

test('an answered write is read with its marker, its document and its lines', () => {
  expect(parseSample(write)).toEqual({
    kind: 'operation',
    operation: {
      journey: 'parts-issue',
      sentAt: 1795397400080.5,
      durationMs: 43.25,
      good: true,
      status: 200,
      write: {
        marker: 'r1-issue-7',
        outcome: 'acknowledged',
        document: 'MAT-STE-2026-00007',
        lines: [{ item: 'ITEM-0001', warehouse: 'Stores - WP', qty: -2 }],
      },
    },
  });
});

test('a lookup is no write, and an exception type is kept', () => {
  const line = changed(({ data }) => {
    data.tags = { journey: 'barcode-lookup', outcome: 'bad' };
    data.metadata = { sentAt: '1795397400080', status: '500', excType: 'QueryDeadlockError', marker: '' };
  });
  expect(parseSample(line)).toEqual({
    kind: 'operation',
    operation: {
      journey: 'barcode-lookup',
      sentAt: 1795397400080,
      durationMs: 43.25,
      good: false,
      status: 500,
      excType: 'QueryDeadlockError',
    },
  });
});

test('metadata may come as numbers too', () => {
  const line = changed(({ data }) => {
    data.metadata = { sentAt: 1795397400080.5, status: 200, technician: '7' };
  });
  expect(parseSample(line)).toMatchObject({ operation: { sentAt: 1795397400080.5, status: 200, technician: 7 } });
});

test('a write that is about to go out is unknown and has no duration', () => {
  const line = write.replace('"operation"', '"write_sent"');
  const sample = parseSample(line);
  expect(sample).toMatchObject({
    kind: 'write-sent',
    operation: { good: false, write: { outcome: 'unknown', marker: 'r1-issue-7' } },
  });
  expect(sample).not.toHaveProperty('operation.durationMs');
});

test('dropped iterations belong to the journey that their scenario plays', () => {
  const line =
    '{"metric":"dropped_iterations","type":"Point","data":{"time":"2026-11-23T01:30:00.5Z","value":3,"tags":{"scenario":"goods-receipt"}}}';
  expect(parseSample(line)).toEqual({
    kind: 'drop',
    drop: { at: Date.UTC(2026, 10, 23, 1, 30, 0, 500), journey: 'goods-receipt', count: 3 },
  });
});

test('declarations of metrics and blank lines are no events', () => {
  expect(parseSample('{"type":"Metric","metric":"operation","data":{"type":"trend"}}')).toBeUndefined();
  expect(parseSample('  ')).toBeUndefined();
});

test.each([
  ['half a line', write.slice(0, 60)],
  ['another metric', write.replace('"operation"', '"http_reqs"')],
  ['another journey', write.replace('"journey":"parts-issue"', '"journey":"coffee"')],
  ['no outcome', write.replace('"outcome":"good",', '')],
  ['a write outcome that nobody knows', write.replace('acknowledged', 'probably')],
  ['no time of sending', write.replace('"sentAt":"1795397400080.5",', '')],
  ['a negative duration', write.replace('43.25', '-1')],
  ['lines that are none', write.replace('[[\\"ITEM-0001\\"', '[[7')],
  ['a list', '[1]'],
  ['null', 'null'],
])('%s is told as unreadable, never guessed', (_what, line) => {
  expect(parseSample(line)).toMatchObject({ kind: 'unreadable', what: expect.any(String) });
});

test('what became of a cancelling is read with its write, and nothing else than is known', () => {
  const line = (cancelled: string) =>
    changed(({ data }) => {
      data.tags.journey = 'entry-cancel';
      data.metadata.cancelled = cancelled;
    });
  expect(parseSample(line('acknowledged'))).toMatchObject({ operation: { write: { cancelled: 'acknowledged' } } });
  expect(parseSample(line('perhaps'))).toMatchObject({ kind: 'unreadable' });
});
