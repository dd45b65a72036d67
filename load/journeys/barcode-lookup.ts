// A technician scans a part and wants to see what it is. Popular parts come up more often; some codes do not exist.
import { chanceOf } from '../chance.ts';
import { scan } from '../scan.ts';
import type { PlainPlan } from '../turn.ts';

export const barcodeLookup: PlainPlan = (task, iteration) => {
  const look = scan(task, chanceOf(task.seed, 'barcode-lookup', iteration));
  return { play: (send) => look(send) };
};
