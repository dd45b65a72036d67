// Samples of the Galera cluster through a run. A node that is silent makes a gap, never a number: what it would say is not known.
import { type NodeView, readTopology } from '../../chaos/galera/topology.ts';
import type { Reading } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import { sharedLook } from './shared-look.ts';

/** The smallest cluster size that any node sees. */
export const galeraSizeMin = probe('galera-size-min', (views) => Math.min(...views.map((view) => view.size)));

/** On how many Galera nodes the app has connections. 1 is a single writer, on which ERPNext's row locks rest. */
export const appWriterNodes = probe(
  'app-writer-nodes',
  (views) => {
    const busy = views.filter((view) => view.appConnections > 0).length;
    return busy === 0 ? 'the app has no connection at this moment' : busy;
  },
  (views) => views.flatMap((view) => (view.appConnections > 0 ? [view.node] : [])).join(', '),
);

/** Share of the app's connections that the busiest Galera node holds, 0..1. */
export const busiestNodeShare = probe('app-connections-busiest-share', (views) => {
  const counts = views.map((view) => view.appConnections);
  const all = counts.reduce((sum, count) => sum + count, 0);
  return all === 0 ? 'the app has no connection at this moment' : Math.max(...counts) / all;
});

const topologyOf = sharedLook(readTopology);

function probe(
  series: string,
  measure: (views: readonly NodeView[]) => number | string,
  names: (views: readonly NodeView[]) => string = () => '',
): Probe {
  return {
    series,
    everyMs: 2_000,
    async read(reach: Reach): Promise<Reading> {
      const {
        at,
        seen: { views, silent },
      } = await topologyOf(reach);
      const named = names(views);
      const told = named === '' ? {} : { seen: named };
      if (silent.length > 0)
        return { at, missing: silent.map(({ node, error }) => `${node}: ${error}`).join('; '), ...told };
      if (views.length === 0) return { at, missing: 'no Galera node was found' };
      const value = measure(views);
      return typeof value === 'number' ? { at, value, ...told } : { at, missing: value };
    },
  };
}
