// A failover of Redis as its Sentinels tell it: they raise the epoch when they have made another node master, and clients go where most
// of them say. A Sentinel that is silent is none of most.
import { askRedis } from '../../chaos/redis/topology.ts';
import type { Reach } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import { numberOfName } from './number-of-name.ts';
import { sharedLook } from './shared-look.ts';

interface Seen {
  readonly of: number;
  readonly views: readonly { readonly master: string; readonly epoch: number }[];
}

type Measured = { readonly value: number; readonly seen?: string } | { readonly missing: string };

export function sentinelProbes(group: 'cache' | 'queue'): { readonly epoch: Probe; readonly master: Probe } {
  const viewsOf = sharedLook((reach) => readViews(reach, group));
  const probe = (name: string, measure: (seen: Seen) => Measured): Probe => ({
    series: `redis-${group}-${name}`,
    everyMs: 1_000,
    async read(reach) {
      const { at, seen } = await viewsOf(reach);
      return { at, ...(seen.views.length === 0 ? { missing: 'no Sentinel answers' } : measure(seen)) };
    },
  });
  return {
    /** The newest that any Sentinel has. */
    epoch: probe('epoch', ({ views }) => ({ value: Math.max(...views.map(({ epoch }) => epoch)) })),
    /** Whom more than half of all Sentinels take for the master, by its number. */
    master: probe('master', ({ of, views }) => {
      const named = [...new Set(views.map(({ master }) => master))];
      const most = named.find((one) => views.filter(({ master }) => master === one).length > of / 2);
      return most === undefined
        ? { missing: `${views.length} of ${of} Sentinels answer, and name ${named.sort().join(' and ')}` }
        : { value: numberOfName(most), seen: most };
    }),
  };
}

async function readViews(reach: Reach, group: 'cache' | 'queue'): Promise<Seen> {
  const name = reach.target.redis.sentinel?.masters[group];
  if (!reach.redis?.groups.includes('sentinel') || name === undefined)
    throw new Error(`${reach.target.name} has no Sentinels that watch the ${group}`);
  const nodes = await reach.redis.nodes('sentinel');
  const views = await Promise.all(
    nodes.map(async (node) => {
      try {
        const flat = (await askRedis(reach, 'sentinel', node, ['SENTINEL', 'MASTER', name])) as readonly string[];
        const value = (field: string) => flat[flat.findIndex((text, at) => at % 2 === 0 && text === field) + 1] ?? '';
        const epoch = Number(value('config-epoch'));
        return value('ip') !== '' && Number.isFinite(epoch) ? { master: value('ip'), epoch } : undefined;
      } catch {
        return undefined; // a silent one is none of most
      }
    }),
  );
  return { of: nodes.length, views: views.flatMap((view) => view ?? []) };
}
