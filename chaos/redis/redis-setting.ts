// A setting of a group's master, and the errors by which it shows that commands are refused because of it.
import type { Fault } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import { type SettingTicket, settingFault } from '../settings/server-setting.ts';
import { askRedis, findMaster, type Group, readInfo, redisRights, tierOf } from './topology.ts';

export interface RedisSetting {
  readonly fault: Pick<Fault, 'name' | 'plan'>;
  readonly group: Group;
  readonly setting: string;
  /** One that nobody else would choose: it may outlive the process, for Sentinel has each node whose role it changes write its file. */
  readonly value: string;
  /** With this word the master begins its refusals: `OOM`. */
  readonly refusal: string;
  refuse?(reach: Reach, node: string): Promise<void>;
}

export function redisSetting(of: RedisSetting): Fault<SettingTicket> {
  const { group, setting, value, refusal } = of;
  const read = async (reach: Reach, node: string, name = setting): Promise<string> =>
    readSetting(reach, group, node, name);
  return settingFault({
    fault: of.fault,
    setting,
    value,
    mayOutlive: true,
    rights: (target) => redisRights(target, [group]),
    tier: (target) => tierOf(target, group),
    choose: (reach) => findMaster(reach, group),
    ...(of.refuse ? { refuse: of.refuse } : {}),
    read,
    async write(reach, node, to) {
      await askRedis(reach, group, node, ['CONFIG', 'SET', setting, to]);
    },
    async keep(reach, node) {
      // Our target was master. Now that it is none, Sentinel has had it write its configuration, with what we had set in it.
      const [role] = (await askRedis(reach, group, node, ['ROLE'])) as readonly unknown[];
      if (role === 'master') return;
      await askRedis(reach, group, node, ['CONFIG', 'REWRITE']);
    },
    counters: (reach, node) => readCounters(reach, group, node, refusal),
    async effect(reach, ticket) {
      const node = ticket.targets[0]?.name ?? '';
      const now = await readCounters(reach, group, node, refusal);
      const since = (name: keyof typeof now) => now[name] - (ticket.counters[name] ?? 0);
      const evidence = { node, refused: since('refused'), evicted: since('evicted'), word: refusal };
      // Fewer than before: the server was started anew, and what it counted is gone.
      if (since('refused') < 0 || since('evicted') < 0) return { is: 'no', evidence };
      return { is: evidence.refused + evidence.evicted > 0 ? 'yes' : 'no', evidence };
    },
  });
}

export async function readSetting(reach: Reach, group: Group, node: string, name: string): Promise<string> {
  const answer = (await askRedis(reach, group, node, ['CONFIG', 'GET', name])) as readonly string[];
  const value = answer[1];
  if (answer[0] !== name || value === undefined)
    throw new Error(`Redis ${node}: no setting ${name} (answered ${JSON.stringify(answer)}). Next: is it Redis 7?`);
  return value;
}

/** How many commands it refused with that word, and how many keys it threw out, since it was started. */
async function readCounters(reach: Reach, group: Group, node: string, refusal: string) {
  const [errors, stats] = await Promise.all([
    readInfo(reach, group, node, 'errorstats'),
    readInfo(reach, group, node, 'stats'),
  ]);
  return {
    refused: Number(/count=(\d+)/.exec(errors.get(`errorstat_${refusal}`) ?? '')?.[1] ?? 0),
    evicted: Number(stats.get('evicted_keys') ?? 0),
  };
}
