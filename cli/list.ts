// `shakedown list`, `plan` and `schema`: what there is, what would be done, and what the files may say. None of them touches anything.
import { Command } from 'commander';
import { z } from 'zod';
import { type LoadPlace, needsOf } from '../lib/load/needs.ts';
import { planLoad, profileOf } from '../lib/load/plan.ts';
import type { Journey } from '../lib/model/claim.ts';
import type { PlannedLoad } from '../lib/model/evidence.ts';
import type { LoadConfig, Shift } from '../lib/model/load-config.ts';
import { readinessSchema } from '../lib/model/readiness.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { targetSchema } from '../lib/model/target.ts';
import { usualDurationMs } from '../lib/runner/run-scenario.ts';
import { scenarios } from '../scenarios/catalog.ts';
import { namedScenarios } from './gate.ts';
import { readLoadConfig } from './play.ts';
import { readTargetFile } from './target-file.ts';

export function listCommand(): Command {
  return new Command('list')
    .description('the scenarios, their suites and what each claims')
    .option('--json', 'an array of {name, suite, hypothesis}')
    .action(({ json }: { json?: boolean }) => {
      const rows = scenarios.map(({ claim, suite }) => ({ name: claim.name, suite, hypothesis: claim.hypothesis }));
      if (json) console.log(JSON.stringify(rows));
      else
        for (const { name, suite, hypothesis } of rows)
          console.log(`${name.padEnd(24)} ${suite.padEnd(8)} ${hypothesis}`);
    });
}

export function planCommand(): Command {
  return new Command('plan')
    .description('what a run would do: phases, faults, load and time; touches nothing')
    .argument('[scenario...]', 'all when none is named')
    .option('--target <file>', 'says which journeys its site has no place for; the file alone is read')
    .action(async (names: string[], { target }: { target?: string }) => {
      const config = await readLoadConfig();
      // Whether the technicians have passwords stands in a Secret, which is not touched here.
      const place = target === undefined ? undefined : { site: (await readTargetFile(target)).site, technicians: [] };
      for (const scenario of names.length > 0 ? namedScenarios(names) : scenarios)
        console.log(planText(scenario, config, place));
    });
}

function planText({ claim, play }: Scenario, config: LoadConfig, place: LoadPlace | undefined): string {
  const load = planLoad(config, play.load, place);
  const { shifts = [] } = profileOf(config, play.load);
  const steps = play.timeline.map((step) =>
    'waitMs' in step ? `wait ${step.waitMs / 1000} s` : `${step.fault.name}, hold ${step.holdMs / 1000} s`,
  );
  const rates = Object.entries(load.ratesPerSecond).map(([journey, rate]) => `${journey} ${rate}/s`);
  return [
    `${claim.name}  (about ${Math.round(usualDurationMs(play) / 1000)} s)`,
    `  claims    ${claim.hypothesis}`,
    `  timeline  ${[`steady ${play.steadyMs / 1000} s`, ...steps, ...(claim.recovery ? [`recovery (at most ${play.recoveryWaitMs / 1000} s)`] : []), `after ${play.afterMs / 1000} s`].join(' → ')}`,
    `  load      profile ${play.load}: ${rates.join(', ')}; at most ${load.virtualUsersMax} virtual users for a stall of ${load.stallBudgetMs / 1000} s`,
    ...shifts.map((shift) => `  shift     ${shiftText(shift)}`),
    ...(place ? (load.leftOut ?? []).map(({ journey, why }) => `  left out  ${journey}: ${why}`) : [wantsText(load)]),
    `  touches   ${touches(claim)}`,
    `  needs     ${claim.needs.join(', ')}`,
    '',
  ].join('\n');
}

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
  return `  wants     ${wants.join(', ') || 'nothing beside documents'}; what the target lacks is left out of the load, and said`;
}

function touches({ blastRadius: { targetsMax, namespaces } }: Scenario['claim']): string {
  if (targetsMax === 0) return 'nothing';
  return `at most ${targetsMax} target${targetsMax === 1 ? '' : 's'} in ${namespaces.join(', ')}`;
}

export function schemaCommand(): Command {
  const schemas = { target: targetSchema, readiness: readinessSchema };
  return new Command('schema')
    .description('JSON Schema of a file: target (what you write) or readiness (what a gate writes)')
    .argument('<file>', Object.keys(schemas).join(' | '), (text: string) => {
      if (!(text in schemas)) throw new Error(`no schema ${text}; there are ${Object.keys(schemas).join(', ')}`);
      return text as keyof typeof schemas;
    })
    .action((file: keyof typeof schemas) =>
      console.log(JSON.stringify(z.toJSONSchema(schemas[file], { io: 'input' }), null, 2)),
    );
}
