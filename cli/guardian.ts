// What the guardian's pods run: `node guardian.mjs`, with the target file that is mounted and the rights of the pod's service account.
// The same undo as `shakedown undo`, set off by a run that fell silent.
import { hostname } from 'node:os';
import { undoableFrom } from '../chaos/registry.ts';
import { openReach } from '../lib/clients/reach.ts';
import { systemClock } from '../lib/runner/clock.ts';
import { guardTarget } from '../lib/runner/guardian.ts';
import { undoTickets } from '../lib/runner/undo-tickets.ts';
import { readTargetFile } from './target-file.ts';

const undoWithinMs = 60_000;

const say = (text: string): void => console.log(`${new Date().toISOString()} ${text}`);
const end = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end.abort(new Error(signal)));

const target = await readTargetFile(process.env.SHAKEDOWN_TARGET ?? '/etc/shakedown/target.yaml');
const name = hostname();
const reach = await openReach(target, { runId: 'guardian', seed: 0, signal: end.signal });
say(`guardian ${name} watches ${target.name}`);
await guardTarget(
  {
    clock: systemClock,
    cluster: reach.cluster,
    namespace: target.suite.namespace,
    name,
    say,
    async undo(signal) {
      // Of its own, so that nothing of an earlier undo is still open in it.
      await using own = await openReach(target, { runId: 'guardian', seed: 0, signal });
      // Awaited here: the reach closes with this block.
      return await undoTickets(
        { clock: systemClock, reach: own, undoable: undoableFrom, withinMs: undoWithinMs },
        () => undefined,
      );
    },
  },
  end.signal,
);
process.exit(0);
