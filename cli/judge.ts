// `shakedown judge RUN…`: judges evidence again, without the target, to the same bytes anywhere.
import { Command } from 'commander';
import { readRunTables } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { verdictJson } from '../lib/judge/verdict-json.ts';
import { type Outcome, severity, type Verdict } from '../lib/model/verdict.ts';
import { exitCodeOfOutcome } from '../lib/runner/readiness.ts';
import { verdictReport } from '../reports/terminal.ts';
import { runFoldersOf } from './run-folders.ts';

export function judgeCommand(): Command {
  return new Command('judge')
    .description('judge run folders again, offline: the same evidence gives the same bytes on any machine')
    .argument('<run...>', 'run folders, or the folder of a gate (runs/latest)')
    .option('--json', 'the verdicts as JSON, one line each')
    .addHelpText(
      'after',
      '\nExit codes: 0 passed, 1 failed, 2 inconclusive, 64 not a run folder.\nExample: npx shakedown judge examples/lost-writes',
    )
    .action(async (runs: string[], { json }: { json?: boolean }) => {
      const verdicts: Verdict[] = [];
      for (const { path } of await runFoldersOf(runs)) {
        const evidence = await readRunTables(path);
        const verdict = judge(evidence.claim, evidence);
        verdicts.push(verdict);
        process.stdout.write(
          json
            ? verdictJson(verdict)
            : `${verdictReport(verdict, evidence.claim.hypothesis, { colour: process.stdout.isTTY === true })}\n`,
        );
      }
      const worst = verdicts
        .map(({ outcome }) => outcome)
        .reduce<Outcome>((a, b) => (severity[b] > severity[a] ? b : a), 'passed');
      process.exitCode = exitCodeOfOutcome(worst);
    });
}
