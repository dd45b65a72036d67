// `shakedown gate` and `shakedown run`: play scenarios and say whether the target is ready.
import { Command, InvalidArgumentError, Option } from 'commander';
import { Problem } from '../lib/errors.ts';
import type { Scenario, Suite } from '../lib/model/scenario.ts';
import { scenarioNamed, scenarios, scenariosOf, suites } from '../scenarios/catalog.ts';
import { type PlayOptions, play } from './play.ts';

const exitCodesHelp = `
Exit codes: 0 ready · 1 not ready · 2 inconclusive, or the target or this machine can't be used · 3 target left dirty
            64 bad arguments, scenario or file · 70 our own bug · 130 interrupted, after undo`;

function seed(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff)
    throw new InvalidArgumentError('wants a whole number from 0 to 4294967295');
  return number;
}

const playing = (command: Command): Command =>
  command
    .option('--target <file>', 'target file; without it the lab, which is brought up when it is not there')
    .option('--seed <n>', 'seed of the load, to repeat a run (default: k6.config.ts)', seed)
    .option('--runs <folder>', 'where run folders are made', 'runs')
    .option('--json', 'standard output carries one line, one object; progress goes to standard error')
    .addHelpText('after', exitCodesHelp);

export function gateCommand(): Command {
  return playing(new Command('gate'))
    .description('play a suite of scenarios under load and say whether the target is ready')
    .addOption(new Option('--suite <name>', 'how much is asked').choices([...suites]).default('smoke'))
    .action(async (options: PlayOptions & { suite: Suite }) => {
      process.exitCode = await play('gate', () => scenariosOf(options.suite), options);
    });
}

export function runCommand(): Command {
  return playing(new Command('run'))
    .description('play single scenarios by name')
    .argument('<scenario...>', `one or more of: ${scenarios.map(({ claim }) => claim.name).join(', ')}`)
    .action(async (names: string[], options: PlayOptions) => {
      process.exitCode = await play('run', () => namedScenarios(names), options);
    });
}

/** All unknown names at once, each with the nearest that there is. */
export function namedScenarios(names: readonly string[]): readonly Scenario[] {
  const unknown = names.filter((name) => !scenarioNamed(name));
  if (unknown.length > 0) {
    const known = scenarios.map(({ claim }) => claim.name);
    const seen = unknown.map((name) => `${name} (did you mean ${nearest(name, known)}?)`).join(', ');
    throw new Problem({
      kind: 'usage',
      what: 'no such scenario',
      where: 'arguments',
      seen,
      next: 'shakedown list shows all',
    });
  }
  return names.flatMap((name) => scenarioNamed(name) ?? []);
}

function nearest(name: string, known: readonly string[]): string {
  return [...known].sort((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
}

/** Levenshtein's edit distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
