// `shakedown judge RUN…`: judges evidence again, without the target, to the same bytes anywhere.
import { Command } from 'commander';
import { type ChainLink, checkChain } from '../lib/evidence/manifest-chain.ts';
import { readRunFolder } from '../lib/evidence/read-run-folder.ts';
import { judge } from '../lib/judge/judge.ts';
import { verdictJson } from '../lib/judge/verdict-json.ts';
import { type Outcome, severity } from '../lib/model/verdict.ts';
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
      `
Evidence that is not what it was when the run ended is inconclusive at best, and each file is named. The run before
is no part of a verdict: standard error says when it is not here, or another one than the manifest names; the latter
exits with 2 too.
Exit codes: 0 passed, 1 failed, 2 inconclusive, also of another version; 64 not a run folder.
Example: npx shakedown judge examples/lost-writes`,
    )
    .action(async (runs: string[], { json }: { json?: boolean }) => {
      const outcomes: Outcome[] = [];
      for (const { path, name } of await runFoldersOf(runs)) {
        const evidence = await readRunFolder(path);
        const verdict = judge(evidence.claim, evidence);
        outcomes.push(verdict.outcome);
        process.stdout.write(
          json
            ? verdictJson(verdict)
            : `${verdictReport(verdict, evidence.claim.hypothesis, { colour: process.stdout.isTTY === true })}\n`,
        );
        const link = await checkChain(path);
        // The verdict is the same wherever the folder lies, so this is told beside it.
        if (link.is === 'broken') outcomes.push('inconclusive');
        const told = chainInWords(link);
        if (told !== undefined) console.error(`${name}: ${told}`);
      }
      const worst = outcomes.reduce<Outcome>((a, b) => (severity[b] > severity[a] ? b : a), 'passed');
      process.exitCode = exitCodeOfOutcome(worst);
    });
}

/** Undefined when there is nothing to tell. */
function chainInWords(link: ChainLink): string | undefined {
  if (link.is === 'none' || link.is === 'whole') return undefined;
  const { runId, gate, folder, sha256 } = link.previous;
  const before = `the run before it, ${JSON.stringify(gate === undefined ? folder : `${gate}/${folder}`)} (${JSON.stringify(runId)})`;
  return link.is === 'missing'
    ? `${before}, is not here, so the chain ends with this one.`
    : `${before}, is not what it was: its manifest has SHA-256 ${link.seen}, and was ${sha256} when this run ended.`;
}
