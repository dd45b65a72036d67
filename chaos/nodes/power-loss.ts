// Pulls the plug of a whole Kubernetes node: every process is gone at once, nobody says good-bye, and what was not synced to its volumes
// is lost, since a drained node hands everything over and proves nothing.
import { nodeAway, type WhichNode } from './node-away.ts';

export const powerLossOf = (which: WhichNode) =>
  nodeAway({
    name: 'nodes/power-loss',
    version: 1,
    plan: {
      aim: `the Kubernetes node of ${which === 'writer' ? 'the Galera node that the app writes to' : 'a Galera node that the app does not write to'}`,
      change: 'its power is cut by the supervisor of its machine; unsynced writes of its volumes are lost',
      undo: 'its power is switched on again, by the supervisor itself when nothing more is heard of us for 15 s',
    },
    what: 'power',
    which,
    landed: ({ power, running }) => power === 'off' && !running,
  });

export const powerLoss = powerLossOf('writer');
