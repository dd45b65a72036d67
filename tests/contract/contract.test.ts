// Holds the workshop against the recordings. Needs a running site (WORKSHOP_URL, WORKSHOP_USERS_FILE, and for one behind an ingress
// WORKSHOP_CA_FILE and WORKSHOP_CONNECT_ADDRESS); the self-checks run always, because a comparison that can't fail proves nothing.
import { beforeAll, describe, expect, it } from 'vitest';
import leftOut from './left-out.json' with { type: 'json' };
import { type CaseResult, casesOf, contractCases, contractTargetFrom, judgeCase, replay } from './replay.ts';
import { shapeDifferences, shapeOf } from './shape.ts';

const target = contractTargetFrom(process.env);

describe('the comparison', () => {
  const ping = { case: 'x', method: 'GET', path: '/', role: 'guest', status: 200, shape: 'message: string' };

  it('passes what has the recorded status, exc_type and shape', () => {
    expect(judgeCase(ping, 200, { message: 'pong' })).toEqual([]);
  });

  it('reports a wrong shape', () => {
    expect(judgeCase(ping, 200, { message: 1 })).toEqual(['missing message: string', 'not expected message: number']);
    expect(judgeCase(ping, 200, { message: 'pong', more: null })).toEqual(['not expected more: null']);
    expect(judgeCase(ping, 200, {})).toContain('missing message: string');
  });

  it('reports a wrong status and a wrong exc_type', () => {
    const differences = judgeCase({ ...ping, excType: 'ValidationError' }, 500, { message: '', exc_type: 'TypeError' });
    expect(differences).toContain('status 500, expected 200');
    expect(differences).toContain('exc_type TypeError, expected ValidationError');
  });

  it('looks into the messages that Frappe hides in a string', () => {
    const body = (message: object) => ({ _server_messages: JSON.stringify([JSON.stringify(message)]) });
    expect(shapeDifferences(shapeOf(body({ message: 'no', title: 'x' })), shapeOf(body({ message: 'no' })))).toEqual([
      'missing _server_messages[].title: string',
    ]);
  });

  it('replays most of what was recorded, and says of every other case why not', () => {
    // 268 with a file of their own, and 8 that only the list tells.
    const recorded = 276;
    // Steps that prepare are no recordings, and neither is the Job Card that a Work Order would have made.
    const replayed = contractCases.filter((one) => !one.setup && one.case !== 'f32-job-card').map((one) => one.case);
    const others = Object.values(leftOut).flat();
    console.log(
      `contract: ${replayed.length} of ${recorded} recorded cases are replayed, ${others.length} left out with a reason`,
    );
    expect(replayed.length).toBeGreaterThanOrEqual(120);
    expect(new Set([...replayed, ...others]).size).toBe(recorded);
    expect(replayed.length + others.length).toBe(recorded);
  });
});

if ('missing' in target) console.warn(`contract replay skipped: ${target.missing}`);

describe.skipIf('missing' in target)('the site answers as a recorded ERPNext', () => {
  let results: readonly CaseResult[] = [];

  beforeAll(async () => {
    if (!('missing' in target)) results = await replay(target);
    for (const { name } of results.filter(({ skipped }) => skipped)) console.warn(`${name}: skipped behind an ingress`);
  }, 120_000);

  it.each(casesOf().map((one) => one.case))('%s', (name) => {
    expect(results.find((result) => result.name === name)?.differences).toEqual([]);
  });
});
