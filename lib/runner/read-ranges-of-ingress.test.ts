import { expect, test } from 'vitest';
import { fakeReach, fakeTarget } from '../../tests/fakes/reach.ts';
import { claimOf } from '../../tests/fixtures/evidence.ts';
import { usualRule } from '../../tests/fixtures/recovery.ts';
import { ingressRanges } from '../model/ingress-requests.ts';
import { type Target, targetSchema } from '../model/target.ts';
import { readRanges } from './read-ranges.ts';

const grid = { from: 1_000, to: 9_000, stepMs: 1_000 };
const asked = async (target: Target, second?: { readonly required: boolean }) => {
  const reach = fakeReach({ target, prometheus: () => [{ replica: 'a', response: { status: 'success' } }] });
  const claim = claimOf({ recovery: { ...usualRule, ...(second ? { second } : {}) } });
  const lines = await readRanges(claim, reach, grid);
  return lines.filter(({ objective }) => (Object.values(ingressRanges) as string[]).includes(objective));
};

test('where the claim asks for a second opinion, Contour’s Envoys are asked what they counted', async () => {
  const lines = await asked(fakeTarget, { required: false });
  expect(lines.map(({ objective }) => objective)).toEqual(['ingress/completed', 'ingress/failed']);
  for (const { query } of lines) expect(query).toMatch(/^envoy_http_downstream_rq_xx\{/);
  expect(lines[1]?.query).toContain('envoy_response_code_class="5"');
  expect(await asked(fakeTarget)).toEqual([]);
});

test('another ingress is asked by the queries that the target file names', async () => {
  const requests = { completed: 'nginx_requests', failed: 'nginx_requests{status=~"5.."} or 0 * nginx_requests' };
  const target = targetSchema.parse({ ...fakeTarget, ingress: { ...fakeTarget.ingress, requests } });
  expect((await asked(target, { required: true })).map(({ query }) => query)).toEqual(Object.values(requests));
});
