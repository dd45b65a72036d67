// Pulls the network cable of a whole Kubernetes node: everything on it goes on and believes itself alive, with nobody to talk to. A
// database that still took writes there would have two histories.
import { nodeAway, type WhichNode } from './node-away.ts';

export const networkCutOf = (which: WhichNode) =>
  nodeAway({
    name: 'nodes/network-cut',
    version: 1,
    plan: {
      aim: `the Kubernetes node of ${which === 'writer' ? 'the Galera node that the app writes to' : 'a Galera node that the app does not write to'}`,
      change: 'its network cable is cut by the supervisor of its machine; all that runs on it goes on, alone',
      undo: 'its cable is joined again, by the supervisor itself when nothing more is heard of us for 15 s',
    },
    what: 'link',
    which,
    landed: ({ link, running }) => link === 'off' && running,
  });

export const networkCut = networkCutOf('writer');
