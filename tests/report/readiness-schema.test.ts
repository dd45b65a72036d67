import { expect, test } from 'vitest';
import { z } from 'zod';
import { readinessSchema } from '../../lib/model/readiness.ts';
import { firstNights, inconclusive, notReady, ready, slower } from '../fixtures/readiness.ts';

test.each([
  ['ready', ready],
  ['not ready', notReady],
  ['inconclusive', inconclusive],
  ['compared with earlier ones', slower],
  ['one of the first', firstNights],
])('a gate that is %s is valid by the published schema', (_name, gate) => {
  const { readiness } = gate();
  const onDisk = JSON.parse(JSON.stringify(readiness));
  expect(readinessSchema.parse(onDisk)).toEqual(onDisk);
  // As somebody else reads it, who has nothing but the JSON Schema.
  expect(
    z.fromJSONSchema(JSON.parse(JSON.stringify(z.toJSONSchema(readinessSchema)))).safeParse(onDisk).error,
  ).toBeUndefined();
});

test('the published schema refuses another version and an outcome that nobody knows', () => {
  const schema = z.fromJSONSchema(JSON.parse(JSON.stringify(z.toJSONSchema(readinessSchema))));
  const { readiness } = ready();
  expect(schema.safeParse({ ...readiness, schema: 'shakedown.readiness/2' }).success).toBe(false);
  expect(schema.safeParse({ ...readiness, outcome: 'mostly' }).success).toBe(false);
  expect(schema.safeParse({ ...readiness, score: 97 }).success).toBe(false);
});
