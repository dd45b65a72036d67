// What alerting may do instead of calling somebody, and calling for nothing.
import type { Defect } from '../defect.ts';
import { alertName, noticed, withAlerts } from '../overlays.ts';

const on = 'an-alert-noticed';
const fires = `alert.fires.${alertName}`;
const tells = `alert.told.${alertName}`;
const resolves = `alert.resolves.${alertName}`;
const quiet = 'alert.quiet.part=service,severity=critical';

const ofNothing = {
  [tells]: 'where nothing fired, nobody can be told',
  [resolves]: 'where nothing fired, nothing can be over',
};

export const alertDefects: readonly Defect[] = [
  {
    name: 'never-fires',
    seeds: 'The rule’s series is misspelt, so it never fires.',
    on,
    turns: { [fires]: 'failed' },
    besides: ofNothing,
    spoil: (evidence) => withAlerts(evidence, { firing: [] }),
  },
  {
    name: 'fires-late',
    seeds: 'It waits for longer than users can.',
    on,
    turns: { [fires]: 'failed' },
    spoil: (evidence) => withAlerts(evidence, { firing: [{ ...noticed, fromMs: 20_000 }] }),
  },
  {
    name: 'never-resolves',
    seeds: 'It goes on after the fault is gone.',
    on,
    turns: { [resolves]: 'failed' },
    spoil: (evidence) => withAlerts(evidence, { firing: [{ ...noticed, toMs: 1e6 }] }),
  },
  {
    name: 'was-firing-before',
    seeds: 'It had been firing before there was any fault, so it shows nothing.',
    on,
    turns: { [fires]: 'inconclusive' },
    besides: ofNothing,
    spoil: (evidence) => withAlerts(evidence, { firing: [{ ...noticed, fromMs: -1e6 }] }),
  },
  {
    name: 'calls-for-nothing',
    seeds: 'A critical alert of the site fires although users hardly feel anything.',
    on,
    turns: { [quiet]: 'failed' },
    spoil: (evidence) =>
      withAlerts(evidence, { firing: [noticed, { name: 'SiteDown', part: 'service', fromMs: 8_000, toMs: 13_000 }] }),
  },
  {
    name: 'is-silenced',
    seeds: 'A forgotten silence holds it back: nobody would have been called.',
    on,
    turns: { [tells]: 'inconclusive' },
    spoil: (evidence) => withAlerts(evidence, { firing: [noticed], silenced: () => true }),
  },
  {
    name: 'alerting-dies',
    seeds: 'No rule is evaluated any more from the fault on.',
    on,
    turns: { [fires]: 'inconclusive', [quiet]: 'inconclusive' },
    besides: ofNothing,
    spoil: (evidence) => withAlerts(evidence, { firing: [noticed], deadFromMs: 0 }),
  },
];
