// `shakedown report GATE`: makes the reports again from the evidence.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { Problem } from '../lib/errors.ts';
import { readinessSchema } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import { exitCodes } from '../lib/model/verdict.ts';
import { historyOf } from './history.ts';
import { renderPage, writeReports } from './write-reports.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description("make a gate's reports again from its evidence: page, JUnit, summary, load performance")
    .argument('[gate]', 'folder of a gate', 'runs/latest')
    .option('--out <file>', 'the page alone, to this file; without, all of them beside the evidence')
    .option(
      '--compare <folder>',
      'with the earlier gates in this folder, as they are now; without, as the gate itself compared',
    )
    .addHelpText(
      'after',
      '\nA report is never better than its evidence: where a run is worse now than the gate wrote down, the pages tell that, and the exit code is 2.',
    )
    .action(async (gate: string, { out, compare }: { out?: string; compare?: string }) => {
      const file = join(gate, gateFiles.readiness);
      const text = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw new Problem({
          kind: 'usage',
          what: "not a gate's folder",
          where: gate,
          seen: `no ${gateFiles.readiness} in it`,
          next: 'name a folder under runs/, or runs/latest',
          cause,
        });
      });
      const written = readinessSchema.parse(JSON.parse(text));
      // readiness.json itself stays as the gate wrote it.
      const readiness = compare === undefined ? written : { ...written, history: await historyOf(gate, compare) };
      const { page, lowered } = out === undefined ? await writeReports(gate, readiness) : await pageTo(out);
      for (const says of lowered) console.error(says);
      if (lowered.length > 0) process.exitCode = exitCodes.inconclusive;
      console.log(page);

      async function pageTo(file: string) {
        const { markup, lowered } = await renderPage(gate, readiness);
        await writeFile(file, markup);
        return { page: file, lowered };
      }
    });
}
