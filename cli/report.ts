// `shakedown report GATE`: renders the readiness page again from the evidence.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Command } from 'commander';
import { Problem } from '../lib/errors.ts';
import { readinessSchema } from '../lib/model/readiness.ts';
import { gateFiles } from '../lib/model/run-folder.ts';
import { renderPage } from './render-page.ts';

export function reportCommand(): Command {
  return new Command('report')
    .description("render a gate's readiness page again from its evidence")
    .argument('[gate]', 'folder of a gate', 'runs/latest')
    .option('--out <file>', 'where to write it; without, beside the evidence')
    .action(async (gate: string, { out }: { out?: string }) => {
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
      const page = out ?? join(gate, gateFiles.page);
      await writeFile(page, await renderPage(gate, readinessSchema.parse(JSON.parse(text))));
      console.log(page);
    });
}
