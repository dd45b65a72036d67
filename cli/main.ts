// The command line: one file per verb; the only place that wires everything.
import { Command, CommanderError } from 'commander';
import { exitCodeOf, messageOf } from '../lib/errors.ts';
import { exitCodes } from '../lib/model/verdict.ts';

/**
 * Each verb is loaded when it is asked for: judging takes as little memory as it needs for ten million samples, and the clients of a
 * cluster alone take as much again. Help lists them all, in this order.
 */
const verbs: Readonly<Record<string, () => Promise<Command>>> = {
  gate: async () => (await import('./gate.ts')).gateCommand(),
  run: async () => (await import('./gate.ts')).runCommand(),
  list: async () => (await import('./list.ts')).listCommand(),
  plan: async () => (await import('./plan.ts')).planCommand(),
  judge: async () => (await import('./judge.ts')).judgeCommand(),
  explain: async () => (await import('./explain.ts')).explainCommand(),
  report: async () => (await import('./report.ts')).reportCommand(),
  selftest: async () => (await import('./selftest.ts')).selftestCommand(),
  undo: async () => (await import('./undo.ts')).undoCommand(),
  rights: async () => (await import('./rights.ts')).rightsCommand(),
  schema: async () => (await import('./list.ts')).schemaCommand(),
  lab: async () => (await import('./lab.ts')).labCommand(),
};

const program = new Command('shakedown')
  .description(
    'Proves, before customers find out, that an ERPNext/Frappe stack on Kubernetes survives what production will do to it.',
  )
  .version('0.1.0')
  .showSuggestionAfterError()
  .addHelpText(
    'after',
    '\nStart: npm run gate brings up the lab and plays the smoke suite. The report is runs/latest/readiness.html.',
  );
const asked = verbs[process.argv[2] ?? ''];
for (const load of asked ? [asked] : Object.values(verbs)) program.addCommand(await load());

const quiet = (command: Command): void => {
  command.exitOverride();
  for (const sub of command.commands) quiet(sub);
};
quiet(program);

try {
  await program.parseAsync(process.argv);
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : exitCodes.usage;
  else {
    const code = exitCodeOf(error);
    const all = error instanceof AggregateError ? error.errors : [error];
    for (const one of all) console.error(`shakedown: ${messageOf(one)}`);
    if (code === exitCodes.internal)
      console.error(`This is a bug of shakedown itself.\n${error instanceof Error ? error.stack : ''}`);
    process.exitCode = code;
  }
}
// Sockets that a client library keeps open must not keep a finished command alive.
process.exit();
