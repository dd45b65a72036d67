// Plays one fault of the registry on a target, without load and without a judge: for trying a fault out, for the tests of safety and for
// the figures of `npm run bench`. The order is the runner's: prepare, ticket, inject, landed, effect, hold, undo, residue.
//   node tests/faults/play-fault.ts NAME… [--hold MS] [--hang] [--target FILE]
// With --hang it holds the Lease and waits to be killed once all are injected. Prints one line of JSON for each step.
import { parseArgs } from 'node:util';
import { faults } from '../../chaos/registry.ts';
import { readTargetFile } from '../../cli/target-file.ts';
import { paths } from '../../lab/places.ts';
import { openReach } from '../../lib/clients/reach.ts';
import type { Fault, Proof, Ticket } from '../../lib/model/fault.ts';
import { systemClock } from '../../lib/runner/clock.ts';
import { newRunId } from '../../lib/runner/gate.ts';
import { takeLease } from '../../lib/runner/lease.ts';
import { removeTicket, storeTicket } from '../../lib/runner/ticket-store.ts';

const { positionals: names, values } = parseArgs({
  allowPositionals: true,
  options: {
    hold: { type: 'string', default: '3000' },
    hang: { type: 'boolean', default: false },
    target: { type: 'string', default: paths.target },
  },
});

const target = await readTargetFile(values.target);
const runId = newRunId(Date.now());
const reach = await openReach(target, { runId, seed: 1, signal: new AbortController().signal });
const say = (step: string, more: object = {}): void => console.log(JSON.stringify({ step, at: Date.now(), ...more }));

const lease = await takeLease(reach.cluster, {
  namespace: target.suite.namespace,
  holder: `${runId} trying ${names.join(' ')} (process ${process.pid})`,
  clock: systemClock,
  say: (text) => say('lease', { text }),
});
// biome-ignore lint/suspicious/noExplicitAny: faults whose tickets differ
const prepared: { fault: Fault<any>; ticket: Ticket; number: number }[] = [];
let left = 0;
try {
  for (const name of names) await injectOne(name);
  if (values.hang) {
    say('hanging', { runId });
    await new Promise(() => setInterval(() => undefined, 60_000));
  }
  await hold();
} catch (error) {
  left = 1;
  say('failed', { error: error instanceof Error ? error.stack : String(error) });
}
for (const { fault, ticket, number } of prepared.reverse()) {
  await timed('undo', fault.name, () => fault.undo(ticket, reach));
  const residue = await timed('residue', fault.name, () => fault.residue(ticket, reach));
  if (residue.is === 'clean') await removeTicket(reach.cluster, target.suite.namespace, runId, number);
  else left = 3;
}
await lease.release();
process.exit(left);

async function injectOne(name: string): Promise<void> {
  const known = faults.find(({ fault }) => fault.name === name);
  if (!known) throw new Error(`no fault ${name}; there are ${faults.map(({ fault }) => fault.name).join(', ')}`);
  const { fault } = known;
  const ticket: Ticket = await timed('prepare', name, () => fault.prepare(reach));
  const number = prepared.length + 1;
  prepared.push({ fault, ticket, number });
  known.ticketSchema.parse(ticket);
  const { version } = fault;
  await timed('ticket', name, () =>
    storeTicket(reach.cluster, target.suite.namespace, {
      schema: 'shakedown.ticket/1',
      runId,
      scenario: 'tried',
      fault: name,
      version,
      number,
      ticket,
    }),
  );
  const began = performance.now();
  await timed('inject', name, () => fault.inject(ticket, reach));
  await until('landed', name, () => fault.landed(ticket, reach), 20_000);
  say('inject-to-landed', { fault: name, ms: Math.round(performance.now() - began) });
  await until('effect', name, () => fault.effect(ticket, reach), 60_000);
}

async function hold(): Promise<void> {
  const end = performance.now() + Number(values.hold);
  while (performance.now() < end) {
    for (const { fault, ticket } of prepared)
      if (fault.holding) {
        const proof = await fault.holding(ticket, reach);
        if (proof.is !== 'yes') say('not holding', { fault: fault.name, proof });
      }
    await systemClock.sleep(1_000);
  }
}

async function until(step: string, fault: string, look: () => Promise<Proof>, withinMs: number): Promise<void> {
  const began = performance.now();
  for (;;) {
    const proof = await look();
    if (proof.is === 'yes' || performance.now() - began > withinMs) {
      say(step, { fault, ms: Math.round(performance.now() - began), proof });
      if (proof.is !== 'yes') left = 1;
      return;
    }
    await systemClock.sleep(100);
  }
}

async function timed<T>(step: string, fault: string, work: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const value = await work();
  say(step, { fault, ms: Math.round(performance.now() - began), ...(value === undefined ? {} : { value }) });
  return value;
}
