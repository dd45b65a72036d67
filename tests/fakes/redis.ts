// Redis groups of three with their Sentinels, in memory: roles, settings, refusals, a pause. Tests change `nodes` and `sentinels` to make
// things happen; `log` has every command that changes something.
import type { Pod, Redis } from '../../lib/model/reach.ts';
import { type Target, targetSchema } from '../../lib/model/target.ts';
import { fakeContainer, fakePod } from './cluster.ts';
import { fakeTarget } from './reach.ts';

export interface FakeRedisNode {
  role: 'master' | 'slave';
  config: Record<string, string>;
  /** By word: OOM, NOREPLICAS. */
  refused: Record<string, number>;
  evicted: number;
  runId: string;
  paused: boolean;
  clients: string[];
  /** Why it does not answer. */
  silent?: string;
}

export interface FakeSentinel {
  /** Answer to SENTINEL MASTER, by name of the group. */
  readonly view: Record<string, Record<string, string>>;
  silent?: string;
  tilt?: boolean;
}

const tier = (name: string) => ({ namespace: 'erp', selector: `name=${name}`, container: 'redis', replicasMin: 3 });
const secret = (name: string) => ({ namespace: 'erp', name });

export const redisTarget: Target = targetSchema.parse({
  ...fakeTarget,
  mariadb: { ...fakeTarget.mariadb, faultCredentials: secret('database-faults') },
  redis: {
    cache: { ...tier('cache'), credentials: secret('redis-cache') },
    queue: { ...tier('queue'), credentials: secret('redis-queue') },
    sentinel: { ...tier('sentinel'), masters: { cache: 'cache', queue: 'queue' } },
  },
});

export function fakeRedis() {
  const nodes: Record<string, FakeRedisNode> = {};
  const sentinels: Record<string, FakeSentinel> = {};
  const log: string[] = [];
  for (const group of ['cache', 'queue'])
    for (const n of [0, 1, 2])
      nodes[`${group}-${n}`] = {
        role: n === 0 ? 'master' : 'slave',
        config: {
          maxmemory: '67108864',
          'maxmemory-policy': group === 'cache' ? 'allkeys-lru' : 'noeviction',
          'min-replicas-to-write': '1',
        },
        refused: {},
        evicted: 0,
        runId: `run-${group}-${n}`,
        paused: false,
        clients: [],
      };
  for (const n of [0, 1, 2])
    sentinels[`sentinel-${n}`] = {
      view: Object.fromEntries(['cache', 'queue'].map((group) => [group, sentinelView(`${group}-0`)])),
    };

  const redis: Redis = {
    groups: ['cache', 'queue', 'sentinel'],
    nodes: async (group) => (group === 'sentinel' ? Object.keys(sentinels) : [0, 1, 2].map((n) => `${group}-${n}`)),
    async ask(group, name, command) {
      if (group === 'sentinel') return askSentinel(name, command);
      const node = nodes[name];
      if (!node || node.silent) throw new Error(node?.silent ?? `no pod ${name}`);
      return askNode(name, node, command);
    },
  };
  const pods: Pod[] = ['cache', 'queue'].flatMap((group) =>
    [0, 1, 2].map((n) =>
      fakePod({
        namespace: 'erp',
        name: `${group}-${n}`,
        ip: `198.18.${group === 'cache' ? 1 : 2}.${n}`,
        labels: { name: group },
        containers: [
          fakeContainer({ name: 'redis', id: `container-${group}-${n}` }),
          fakeContainer({ name: 'exporter', id: 'exporter' }),
        ],
      }),
    ),
  );
  return { redis, pods, nodes, sentinels, log };

  function askNode(name: string, node: FakeRedisNode, command: readonly string[]): unknown {
    const [verb = '', word = '', what = '', value = ''] = command;
    const does = `${verb} ${word}`;
    if (verb === 'ROLE') return [node.role, 0];
    if (verb === 'PUBLISH') {
      if (!node.paused) return 0;
      node.clients.push('id=9 addr=1.2.3.4:5 flags=b db=0 cmd=publish user=default');
      return new Promise(() => undefined);
    }
    if (does === 'CLIENT LIST') return node.clients.join('\n');
    if (does === 'CONFIG GET') return what in node.config ? [what, node.config[what]] : [];
    if (does === 'INFO server') return `# Server\r\nrun_id:${node.runId}\r\n`;
    if (does === 'INFO stats') return `# Stats\r\nevicted_keys:${node.evicted}\r\n`;
    if (does === 'INFO errorstats')
      return Object.entries(node.refused)
        .map(([error, count]) => `errorstat_${error}:count=${count}\r\n`)
        .join('');
    log.push(`${name} ${command.join(' ')}`);
    if (does === 'CONFIG SET') node.config[what] = value;
    else if (does === 'CLIENT PAUSE') node.paused = true;
    else if (does === 'CLIENT UNPAUSE') node.paused = false;
    else if (does !== 'CONFIG REWRITE') throw new Error(`ERR unknown command ${does}`);
    return 'OK';
  }

  function askSentinel(name: string, [verb, word, group = '']: readonly string[]): unknown {
    const sentinel = sentinels[name];
    if (!sentinel || sentinel.silent) throw new Error(sentinel?.silent ?? `no pod ${name}`);
    if (verb === 'INFO') return `# Sentinel\r\nsentinel_masters:2\r\nsentinel_tilt:${sentinel.tilt ? 1 : 0}\r\n`;
    const view = sentinel.view[group];
    if (!view) throw new Error('ERR No such master with that name');
    if (word === 'MASTER') return Object.entries(view).flat();
    log.push(`${name} ${verb} ${word} ${group}`);
    if (word !== 'FAILOVER') throw new Error(`ERR unknown command ${word}`);
    view.flags = 'master,failover_in_progress,force_failover';
    return 'OK';
  }
}

/** As the lab's Sentinels announce: by name. */
export const sentinelView = (master: string, configEpoch = 4): Record<string, string> => ({
  ip: `${master}.redis.erp.svc.cluster.local`,
  flags: 'master',
  'config-epoch': String(configEpoch),
  'failover-timeout': '10000',
  'role-reported-time': '60000',
});
