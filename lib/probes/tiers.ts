// What Kubernetes says of a tier's pods: how many are ready, so that requests are sent to them, and what it has done about those that are not.
import type { Pod } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import type { Target } from '../model/target.ts';

type TierName = keyof Target['tiers'];

/** Those that a Service sends requests to: ready, and not on their way out. */
export const readyPods = (tier: TierName): Probe => probe(`${tier}-ready`, tier, (pods) => pods.filter(isReady).length);

/** Those that are there, stay, and are not ready: one that replaces another, or a release that does not come up. */
export const unreadyPods = (tier: TierName): Probe =>
  probe(`${tier}-unready`, tier, (pods) => pods.filter((pod) => !pod.deleting && !isReady(pod)).length);

/** Of all containers together: it goes up when the kubelet has started one again. A pod that is gone takes its own along. */
export const restarts = (tier: TierName): Probe =>
  probe(`${tier}-restarts`, tier, (pods) =>
    pods.reduce((sum, { containers }) => sum + containers.reduce((some, one) => some + one.restarts, 0), 0),
  );

const isReady = ({ ready, deleting }: Pod): boolean => ready && !deleting;

function probe(series: string, name: TierName, measure: (pods: readonly Pod[]) => number): Probe {
  return {
    series,
    everyMs: 1_000,
    async read(reach) {
      const tier = reach.target.tiers[name];
      if (!tier) return { at: reach.now(), missing: `the target file names no tier ${name}` };
      const pods = await reach.cluster.pods(tier.namespace, tier.selector);
      return { at: reach.now(), value: measure(pods) };
    },
  };
}
