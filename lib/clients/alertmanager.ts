// Alertmanager, every replica by itself: which alerts it has, and what it holds back (API v2).
import type { Alertmanager, Cluster } from '../model/reach.ts';
import type { Target } from '../model/target.ts';
import type { ApiServer } from './api-server.ts';
import { askReplica, replicaNames } from './ask-replicas.ts';

/** One that is on a machine without power must not keep the next look waiting. */
const answerMs = 4_000;

export function alertmanagerReplicas(
  api: Pick<ApiServer, 'raw'>,
  cluster: Pick<Cluster, 'pods'>,
  target: NonNullable<Target['alertmanager']>,
): Alertmanager {
  return {
    async ask() {
      const names = await replicaNames(cluster, target);
      return Promise.all(
        names.map(async (replica) => {
          const [alerts, silences] = await Promise.all([
            // Those that are silenced, inhibited or not worked on yet come along unless they are declined.
            askReplica(api, target, replica, '/api/v2/alerts', answerMs),
            askReplica(api, target, replica, '/api/v2/silences', answerMs),
          ]);
          const error = alerts.error ?? silences.error;
          if (error !== undefined) return { replica, error };
          return { replica, alerts: alerts.response ?? null, silences: silences.response ?? null };
        }),
      );
    },
  };
}
