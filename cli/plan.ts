// `shakedown plan`: what a run would do, before it does it: targets, blast radius, timeline, load, rights and time. It reads, and changes nothing.
import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { paths } from '../lab/places.ts';
import { openReach } from '../lib/clients/reach.ts';
import { messageOf } from '../lib/errors.ts';
import { type LoadPlace, needsOf } from '../lib/load/needs.ts';
import { planLoad, profileOf } from '../lib/load/plan.ts';
import type { Journey } from '../lib/model/claim.ts';
import type { PlannedLoad } from '../lib/model/evidence.ts';
import type { Fault, Right } from '../lib/model/fault.ts';
import { kubernetesNodes, namespacesInWords, targetInWords } from '../lib/model/fault-target.ts';
import type { LoadConfig, Shift } from '../lib/model/load-config.ts';
import type { Reach } from '../lib/model/reach.ts';
import { merged } from '../lib/model/rights.ts';
import type { FaultStep, Scenario, Suite } from '../lib/model/scenario.ts';
import type { Target } from '../lib/model/target.ts';
import { usualDurationMs, usualSuiteMs } from '../lib/runner/run-scenario.ts';
import { scenarios, scenariosOf, suites } from '../scenarios/catalog.ts';
import { checkClaims } from './check-claims.ts';
import { namedScenarios } from './gate.ts';
import { readLoadConfig } from './play.ts';
import { readTargetFile } from './target-file.ts';

export function planCommand(): Command {
  return new Command('plan')
    .description('what a run would do: targets, blast radius, timeline, load, rights and time; changes nothing')
    .argument('[scenario...]', 'all when none is named')
    .addOption(new Option('--suite <name>', 'those of a suite').choices([...suites]))
    .option('--target <file>', 'what it would do there; without it the lab, when that is up')
    .action(async (names: string[], { target: file, suite }: { target?: string; suite?: Suite }) => {
      const config = await readLoadConfig();
      const chosen = names.length > 0 ? namedScenarios(names) : suite ? scenariosOf(suite) : scenarios;
      const place = file ?? (existsSync(paths.target) ? paths.target : undefined);
      const target = place === undefined ? undefined : await readTargetFile(place);
      checkClaims(chosen, target?.prometheus.scrapeIntervalMs);
      const asked = await askTargets(chosen, target);
      for (const scenario of chosen) console.log(planText(scenario, config, target, asked.of));
      const seconds = usualSuiteMs(chosen.map(({ play }) => play)) / 1000;
      console.log(`${chosen.length} scenarios, about ${Math.round(seconds / 60)} min one after the other.`);
      console.log(asked.told);
    });
}

interface Asked {
  /** What a fault would choose at this moment, in words. */
  readonly of: ReadonlyMap<string, string>;
  readonly told: string;
}

/** Reads the target, as prepare would; a fault that can't choose now says why. */
async function askTargets(chosen: readonly Scenario[], target: Target | undefined): Promise<Asked> {
  const of = new Map<string, string>();
  if (!target)
    return {
      of,
      told: 'No target was asked: the lab is down and no --target was given. What is aimed at is told in words.',
    };
  const signal = AbortSignal.timeout(60_000);
  try {
    await using reach = await openReach(target, { runId: 'plan', seed: 0, signal });
    for (const fault of new Map(chosen.flatMap(faultsOf).map((one) => [one.name, one])).values())
      of.set(fault.name, await chosenBy(fault, reach));
    return { of, told: `Targets as ${target.name} is now; each run chooses anew. Nothing was changed.` };
  } catch (error) {
    return { of, told: `${target.name} could not be asked (${messageOf(error)}). What is aimed at is told in words.` };
  }
}

// biome-ignore lint/suspicious/noExplicitAny: faults whose tickets differ
async function chosenBy(fault: Fault<any>, reach: Reach): Promise<string> {
  try {
    const targets = await fault.targets(reach);
    return targets.map(targetInWords).join(', ') || 'none now';
  } catch (error) {
    return `can't be told now: ${messageOf(error)}`;
  }
}

const faultsOf = ({ play }: Scenario) => play.timeline.flatMap((step) => ('fault' in step ? [step.fault] : []));

function planText(
  scenario: Scenario,
  config: LoadConfig,
  target: Target | undefined,
  asked: ReadonlyMap<string, string>,
): string {
  const { claim, play } = scenario;
  // Whether the technicians have passwords stands in a Secret, which is not read here.
  const place: LoadPlace | undefined = target ? { site: target.site, technicians: [] } : undefined;
  const load = planLoad(config, play.load, place);
  const { shifts = [] } = profileOf(config, play.load);
  const steps = play.timeline.map((step) =>
    'waitMs' in step ? `wait ${step.waitMs / 1000} s` : `${step.fault.name}, hold ${holdText(step)}`,
  );
  const rates = Object.entries(load.ratesPerSecond).map(([journey, rate]) => `${journey} ${rate}/s`);
  const faults = faultsOf(scenario);
  return [
    `${claim.name}  (about ${Math.round(usualDurationMs(play) / 1000)} s)`,
    row('claims', claim.hypothesis),
    ...faults.flatMap((fault) => [
      row('fault', `${fault.name}: ${fault.plan.change}`),
      row('targets', asked.has(fault.name) ? `${asked.get(fault.name)} (${fault.plan.aim})` : fault.plan.aim),
      row('undo', fault.plan.undo),
      ...(target ? [row('rights', rightsText(fault, target))] : []),
    ]),
    row('radius', touches(claim)),
    row(
      'timeline',
      [
        `steady ${play.steadyMs / 1000} s`,
        ...steps,
        ...(claim.recovery ? [`recovery (at most ${play.recoveryWaitMs / 1000} s)`] : []),
        `after ${play.afterMs / 1000} s`,
      ].join(' → '),
    ),
    row(
      'load',
      `profile ${play.load}: ${rates.join(', ')}; at most ${load.virtualUsersMax} virtual users for a stall of ${load.stallBudgetMs / 1000} s`,
    ),
    ...shifts.map((shift) => row('shift', shiftText(shift))),
    ...(place
      ? (load.leftOut ?? []).map(({ journey, why }) => row('left out', `${journey}: ${why}`))
      : [wantsText(load)]),
    row('needs', claim.needs.join(', ')),
    '',
  ].join('\n');
}

const row = (name: string, text: string) => `  ${name.padEnd(9)} ${text}`;

/** Beside what each run needs, which `shakedown rights` prints. */
// biome-ignore lint/suspicious/noExplicitAny: faults whose tickets differ
function rightsText(fault: Fault<any>, target: Target): string {
  const { inject, undo } = fault.rights(target);
  const rules = merged([...inject, ...undo]).map(ruleText);
  return rules.length > 0 ? rules.join('; ') : 'none beside those of every run';
}

const ruleText = ({ namespace, resources, names, verbs }: Right) =>
  `${verbs.join(', ')} ${resources.join(', ')}${names ? ` (${names.join(', ')})` : ''}${namespace ? ` in ${namespace}` : ''}`;

function shiftText({ name, fromMs, lastsMs, rampMs = 0, times }: Shift): string {
  const factors =
    typeof times === 'number'
      ? `everything ×${times}`
      : Object.entries(times)
          .map(([journey, factor]) => `${journey} ×${factor}`)
          .join(', ');
  const ramp = rampMs > 0 ? `, reached and left over ${rampMs / 1000} s` : '';
  return `${name}, ${fromMs / 1000} s after the load began for ${lastsMs / 1000} s${ramp}: ${factors}`;
}

function wantsText({ ratesPerSecond }: PlannedLoad): string {
  const wants = (Object.keys(ratesPerSecond) as Journey[]).flatMap((journey) =>
    needsOf[journey] === undefined ? [] : [`${journey} (${needsOf[journey]})`],
  );
  return row(
    'wants',
    `${wants.join(', ') || 'nothing beside documents'}; what the target lacks is left out of the load, and said`,
  );
}

function holdText({ holdMs, effectWithinMs }: FaultStep): string {
  const from = effectWithinMs === undefined ? '' : ` from its effect, which comes within ${effectWithinMs / 1000} s`;
  return `${holdMs / 1000} s${from}`;
}

function touches({ blastRadius: { targetsMax, namespaces } }: Scenario['claim']): string {
  if (targetsMax === 0) return 'nothing';
  return `at most ${targetsMax} target${targetsMax === 1 ? '' : 's'} ${namespaces.every((one) => one === kubernetesNodes) ? 'among' : 'in'} ${namespacesInWords(namespaces)}`;
}
