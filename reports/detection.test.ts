import { expect, test } from 'vitest';
import { detections, detectionWords } from './detection.ts';

const words = (...findings: Parameters<typeof detections>[0]) =>
  detections(findings).map((one) => detectionWords(one).replaceAll('\u00a0', ' '));
const fired = { check: 'alert.fires.NodeDown', outcome: 'passed', measured: 18.2 } as const;
const over = { check: 'alert.resolves.NodeDown', outcome: 'passed', measured: 7.1 } as const;
const told = { check: 'alert.told.NodeDown', outcome: 'passed', measured: 3 } as const;

test('what fired is told with how soon, when it was over, and whether it would have called', () => {
  expect(words(fired, over, told)).toEqual(['NodeDown after 18.2 s, over 7.10 s after undo']);
  expect(words(fired, { ...told, outcome: 'inconclusive', measured: undefined })).toEqual([
    'NodeDown after 18.2 s, not seen to call anybody',
  ]);
});

test('what did not fire is not what nobody could see', () => {
  expect(words({ ...fired, outcome: 'failed', measured: undefined })).toEqual(['NodeDown did not fire']);
  expect(words({ ...fired, outcome: 'inconclusive', measured: undefined })).toEqual(['NodeDown not known']);
  expect(words(over, { check: 'scans-p95', outcome: 'passed', measured: 9 })).toEqual([]);
});
