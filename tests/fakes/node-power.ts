// A supervisor of machines in memory. Nothing is switched on again by itself: a test says when the time is over.
import type { NodePower, PowerOrLink } from '../../lib/model/reach.ts';

export interface FakeNodePower extends NodePower {
  readonly log: string[];
  /** What the supervisor does for who is not heard of any more. */
  unheard(kubernetesNode: string, what: PowerOrLink): void;
  /** While set, every call fails with it. */
  down: Error | undefined;
}

export function fakeNodePower(names: readonly string[]): FakeNodePower {
  const nodes = new Map(names.map((name) => [name, { power: true, link: true, held: new Set<PowerOrLink>() }]));
  const of = (name: string) => {
    if (power.down) throw power.down;
    const node = nodes.get(name);
    if (!node) throw new Error(`there is no node ${name}`);
    return node;
  };
  const power: FakeNodePower = {
    log: [],
    down: undefined,
    async state(name) {
      const node = of(name);
      const link = node.power && node.link ? 'on' : 'off';
      return { power: node.power ? 'on' : 'off', link, running: node.power, since: 0 };
    },
    async off(name, what, unheardMsMax) {
      of(name)[what] = false;
      of(name).held.add(what);
      power.log.push(`${what} of ${name} off for ${unheardMsMax}`);
    },
    async hold(name, what) {
      if (!of(name).held.has(what)) throw new Error(`the ${what} of ${name} is not off on anybody's behalf`);
      power.log.push(`hold ${what} of ${name}`);
    },
    async on(name, what) {
      if (!of(name)[what]) power.log.push(`${what} of ${name} on`);
      power.unheard(name, what);
    },
    unheard(name, what) {
      of(name)[what] = true;
      of(name).held.delete(what);
    },
  };
  return power;
}
