// promtool and its relatives, from the Debian packages that the lab runs. They are not installed for this: tests/run.ts unpacks them.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../lab/shakedown.ts';

export type MonitoringProgram = 'promtool' | 'amtool' | 'prometheus-blackbox-exporter';

/** A check that could not be made is no check that passed: without the program it throws. */
export function program(name: MonitoringProgram): string {
  const next = `Next: npm test -- integration, or PROMTOOL=/path/to/promtool with ${name} beside it`;
  const promtool = process.env.PROMTOOL;
  if (!promtool) throw new Error(`${name} is not known: PROMTOOL is not set. ${next}`);
  const found = join(dirname(promtool), name);
  if (!existsSync(found)) throw new Error(`${name} is not there: ${found} does not exist. ${next}`);
  return found;
}

/** What it said on both streams, and how it ended. */
export async function ask(
  name: MonitoringProgram,
  args: readonly string[],
  folder = '/',
): Promise<{ readonly code: number | null; readonly said: string }> {
  const { code, stdout, stderr } = await run(program(name), args, folder);
  return { code, said: `${stdout}\n${stderr}` };
}
