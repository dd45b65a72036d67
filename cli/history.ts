// How a gate compares with the ones that lie beside it.
import { readEarlierGates, readGate } from '../lib/evidence/read-gates.ts';
import { compareGates } from '../lib/judge/compare-gates.ts';
import type { History } from '../lib/model/history.ts';

/** `folder` is the gate's own; `runsFolder` has the others. */
export async function historyOf(folder: string, runsFolder: string): Promise<History> {
  const gate = await readGate(folder);
  const { gates, leftOut } = await readEarlierGates(runsFolder, gate, folder);
  return compareGates(gate, gates, [...gate.leftOut, ...leftOut]);
}
