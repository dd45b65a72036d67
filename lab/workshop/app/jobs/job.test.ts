import { describe, expect, it } from 'vitest';
import { readQueues } from './background.ts';
import { fieldsOfNew, jobIdOf, readJob, timestamp } from './job.ts';

const call = { site: 'erp.test', user: 'a@example.com', method: 'frappe.ping', kwargs: { names: ['X'] } };
const hash = () => {
  const flat = fieldsOfNew('short', call, { timeoutSeconds: 300, resultTtlSeconds: 60 });
  return Object.fromEntries(flat.flatMap((text, at) => (at % 2 === 0 ? [[text, flat[at + 1] ?? '']] : [])));
};

describe('a job', () => {
  it('is read back as it was put into its hash', () => {
    expect(readJob('erp.test::1', hash())).toMatchObject({
      id: 'erp.test::1',
      queue: 'short',
      status: 'queued',
      timeoutSeconds: 300,
      resultTtlSeconds: 60,
      startedAt: '',
      excInfo: undefined,
      call,
    });
  });

  it('is none when another program wrote it: a pickle, a queue of another bench, nothing at all', () => {
    expect(readJob('x', { ...hash(), data: 'x\u009c' })).toBeUndefined();
    expect(readJob('x', { ...hash(), data: '{"site":"erp.test"}' })).toBeUndefined();
    expect(readJob('x', { ...hash(), origin: 'other-bench:short' })).toBeUndefined();
    expect(readJob('x', { ...hash(), origin: 'home-frappe-frappe-bench:fast' })).toBeUndefined();
    expect(readJob('x', {})).toBeUndefined();
  });

  it("has an id of its own, or one that says what there shall be one of; and RQ's times", () => {
    expect(jobIdOf('erp.test')).toMatch(/^erp\.test::[0-9a-f-]{36}$/);
    expect(jobIdOf('erp.test')).not.toBe(jobIdOf('erp.test'));
    expect(jobIdOf('erp.test', 'scheduled_job::a.b')).toBe('erp.test::scheduled_job::a.b');
    expect(timestamp(Date.UTC(2026, 10, 23, 6, 55, 30, 254))).toBe('2026-11-23T06:55:30.254000Z');
  });
});

describe('the queues of a worker', () => {
  it('are looked at in the order in which they are named, each once', () => {
    expect(readQueues('long,default, short,long')).toEqual(['long', 'default', 'short']);
  });

  it('are refused when one of them is none', () => {
    expect([readQueues('short,fast'), readQueues('')]).toEqual([undefined, undefined]);
  });
});
