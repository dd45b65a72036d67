// `shakedown list` and `schema`: what there is, and what the files may say. Neither touches anything.
import { Command } from 'commander';
import { z } from 'zod';
import { readinessSchema } from '../lib/model/readiness.ts';
import { targetSchema } from '../lib/model/target.ts';
import { scenarios } from '../scenarios/catalog.ts';

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
