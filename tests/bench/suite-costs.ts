// What the suite itself costs beside the load, and how much longer a gate takes than its scenarios' steady, hold and recovery times.
import { join } from 'node:path';
import { readRunFolder } from '../../lib/evidence/read-run-folder.ts';
import type { Evidence } from '../../lib/model/evidence.ts';

export interface GateCosts {
  /** Seconds of wall time that the journals of its runs show as steady state, fault and recovery; what two runs share counts once. */
  readonly phasesSeconds: number;
  readonly k6Seconds: number;
}

export async function gateCosts(gateFolder: string, runFolders: readonly string[]): Promise<GateCosts> {
  let [phasesSeconds, k6Seconds] = [0, 0];
  for (const name of runFolders) {
    const { journal } = await readRunFolder(join(gateFolder, name));
    phasesSeconds += phasesMs(journal) / 1000;
    k6Seconds += journal.reduce((sum, line) => sum + (line.kind === 'load' ? (line.processorSeconds ?? 0) : 0), 0);
  }
  return { phasesSeconds, k6Seconds };
}

/** From the beginning of the steady state to the beginning of `after`, which is the next one's steady state. */
function phasesMs(journal: Evidence['journal']): number {
  const begins = journal.filter((line) => line.kind === 'phase');
  const [first, after] = [begins[0]?.at, begins.find(({ phase }) => phase === 'after')?.at];
  return first === undefined || after === undefined ? 0 : after - first;
}

/** User and system seconds of a shell's ended children, as its `times` prints them in the second line: `0m1.20s 0m0.30s`. */
export function childSeconds(times: string): number {
  const last = times.trim().split('\n').at(-1) ?? '';
  const parts = [...last.matchAll(/(\d+)m([\d.]+)s/g)];
  if (parts.length !== 2) throw new Error(`not what times prints: ${JSON.stringify(last)}`);
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}
