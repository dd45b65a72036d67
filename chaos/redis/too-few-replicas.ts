// Lets a group's master ask for more replicas than there are, so that it answers reads and refuses every write (NOREPLICAS), as one that is
// cut off from its replicas does.
import { redisSetting } from './redis-setting.ts';
import type { Group } from './topology.ts';

export const tooFewReplicas = (group: Group) =>
  redisSetting({
    fault: {
      name: `redis/read-only-${group}`,
      plan: {
        aim: `the master of the Redis ${group}`,
        change:
          'it asks for 97 replicas before it takes a write (min-replicas-to-write): reads are answered, writes refused',
        undo: 'the number from before is set again on that node, wherever the role went',
      },
    },
    group,
    setting: 'min-replicas-to-write',
    value: '97',
    refusal: 'NOREPLICAS',
  });
