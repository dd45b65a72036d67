// Every scenario, in reading order: the control first, so that what is broken without any fault is known before one is injected.
import type { Scenario, Suite } from '../lib/model/scenario.ts';
import { control } from './control.ts';
import { galeraWriterCrash } from './galera-writer-crash.ts';

export const scenarios: readonly Scenario[] = [control, galeraWriterCrash];

/** From small to large; each contains the ones before it. */
export const suites: readonly Suite[] = ['smoke', 'nightly', 'full'];

export const scenariosOf = (suite: Suite): readonly Scenario[] =>
  scenarios.filter((scenario) => suites.indexOf(scenario.suite) <= suites.indexOf(suite));

export const scenarioNamed = (name: string): Scenario | undefined =>
  scenarios.find((scenario) => scenario.claim.name === name);
