// What those Galera nodes say that answer: when one is killed, cut off or without power, the others tell what became of its roles. Nobody waits for
// the silent one, and it is not asked again while it still owes an answer.
import { type NodeView, readTopology } from '../../chaos/galera/topology.ts';
import type { Instant, Reading } from '../model/evidence.ts';
import type { Reach } from '../model/reach.ts';
import type { Probe } from '../model/scenario.ts';
import { numberOfName } from './number-of-name.ts';
import { sharedLook } from './shared-look.ts';

/** The newest view that a node of the primary component has: it goes up by one whenever a node leaves or joins. */
export const galeraView = probe('galera-view', (views) => {
  const newest = Math.max(...views.map(({ confId }) => confId));
  const size = views.find(({ confId }) => confId === newest)?.size;
  return { value: newest, seen: `view ${newest} of ${size}` };
});

/** The node of the primary component that the app works on, by its number. A node that was left behind is none of it, whatever it thinks. */
export const appWriter = probe('app-writer', (views) => {
  const [busiest, next] = [...views].sort((a, b) => b.appConnections - a.appConnections);
  if (!busiest || busiest.appConnections === 0) return 'the app has no connection to those that answer';
  if (next?.appConnections === busiest.appConnections) return `the app works on ${busiest.node} and ${next.node} alike`;
  return { value: numberOfName(busiest.node), seen: busiest.node };
});

/** Longer than a node that is well needs under load, shorter than anybody's patience. */
const answerMs = 1_500;

interface Answered {
  readonly at: Instant;
  readonly view: NodeView;
}

const owed = new WeakMap<Reach, Map<string, Promise<Answered | undefined>>>();

const survivorsOf = sharedLook(async (reach): Promise<readonly Answered[]> => {
  const nodes = await reach.sql.nodes();
  const answers = await Promise.all(
    nodes.map((node) => Promise.race([askedOnce(reach, node), reach.sleep(answerMs).then(() => undefined)])),
  );
  return answers.flatMap((answer) => answer ?? []);
});

function askedOnce(reach: Reach, node: string): Promise<Answered | undefined> {
  const all = owed.get(reach) ?? new Map<string, Promise<Answered | undefined>>();
  owed.set(reach, all);
  const known = all.get(node);
  if (known) return known;
  const answer = readTopology(reach, [node])
    .then(({ views: [view] }) => (view ? { at: reach.now(), view } : undefined))
    .finally(() => all.delete(node));
  all.set(node, answer);
  return answer;
}

function probe(
  series: string,
  measure: (views: readonly NodeView[]) => { readonly value: number; readonly seen: string } | string,
): Probe {
  return {
    series,
    everyMs: 1_000,
    async read(reach): Promise<Reading> {
      const { at, seen } = await survivorsOf(reach);
      const primary = seen.filter(({ view }) => view.component === 'Primary');
      if (primary.length === 0) return { at, missing: 'no Galera node of a primary component answers' };
      const told = measure(primary.map(({ view }) => view));
      // Of when the last of them answered: the silent one that was waited for says nothing.
      const answeredAt = Math.max(...primary.map((one) => one.at));
      return typeof told === 'string' ? { at: answeredAt, missing: told } : { at: answeredAt, ...told };
    },
  };
}
