// The command line: one file per verb; the only place that wires everything.
import { Command, CommanderError } from 'commander';
import { exitCodeOf, messageOf } from '../lib/errors.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { gateCommand, runCommand } from './gate.ts';
import { judgeCommand } from './judge.ts';
import { labCommand } from './lab.ts';
import { listCommand, schemaCommand } from './list.ts';
import { planCommand } from './plan.ts';
import { reportCommand } from './report.ts';
import { rightsCommand } from './rights.ts';
import { selftestCommand } from './selftest.ts';
import { undoCommand } from './undo.ts';

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
for (const command of [
  gateCommand(),
  runCommand(),
  listCommand(),
  planCommand(),
  judgeCommand(),
  reportCommand(),
  selftestCommand(),
  undoCommand(),
  rightsCommand(),
  schemaCommand(),
  labCommand(),
])
  program.addCommand(command);

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
