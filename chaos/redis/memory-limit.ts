// Leaves a group's master less memory than it has in use: a cache throws out what it has and then refuses, a queue refuses at once.
import { readSetting, redisSetting } from './redis-setting.ts';
import type { Group } from './topology.ts';

/** Less than a Redis with nothing in it takes, and a number that nobody would choose. */
const limitBytes = 1_048_583;

export const memoryLimit = (group: Group) =>
  redisSetting({
    fault: {
      name: `redis/memory-limit-${group}`,
      plan: {
        aim: `the master of the Redis ${group}`,
        change: `its maxmemory becomes 1 MiB${group === 'cache' ? ': it throws out what it has, and refuses what comes' : ': it refuses what comes'}`,
        undo: 'the limit from before is set again on that node, wherever the role went; what was thrown out comes from the database again',
      },
    },
    group,
    setting: 'maxmemory',
    value: String(limitBytes),
    refusal: 'OOM',
    async refuse(reach, node) {
      if (group === 'cache') return;
      const policy = await readSetting(reach, group, node, 'maxmemory-policy');
      if (policy !== 'noeviction')
        throw new Error(
          `redis/memory-limit-${group}: maxmemory-policy of ${node} is ${policy}: it would throw out jobs, which no undo brings back. Next: set noeviction, which a queue needs in any case`,
        );
    },
  });
