// Faults that can be built into the workshop on purpose, to see whether the suite finds them. All are off unless WORKSHOP_DEFECT names them.
// To add one: a line here, and one place in the code that asks `defects.active('its-name')`, or `strikes` for what only happens now and then.

export const defects = {
  'ack-before-commit':
    'a Stock Entry is answered with 200 before its transaction is committed, and lost when the database dies meanwhile',
  'apply-twice': 'now and then a Stock Entry that is submitted in one request books its lines twice',
  'stale-stock': 'now and then a booking leaves the bin, which is the stock that people see, as it was before',
  'lose-jobs': 'now and then a worker reports the job of a submitted Stock Entry as done and has done nothing',
  'hide-errors': 'now and then a scan fails, and is answered with 200 and the error for a body',
  'refuse-but-keep': 'now and then a Stock Entry is refused with a ValidationError after it was committed',
} as const satisfies Record<string, string>;

export type DefectName = keyof typeof defects;
const strikesEach = 20;
export const defectNames = Object.keys(defects) as [DefectName, ...DefectName[]];

export interface Defects {
  active(name: DefectName): boolean;
  /** Each twentieth time that it is asked of one that is active: most of what people see is well. */
  strikes(name: DefectName): boolean;
}

export function chooseDefects(chosen: readonly DefectName[]): Defects {
  const asked = new Map<DefectName, number>();
  return {
    active: (name) => chosen.includes(name),
    strikes(name) {
      if (!chosen.includes(name)) return false;
      const times = (asked.get(name) ?? 0) + 1;
      asked.set(name, times);
      return times % strikesEach === 0;
    },
  };
}
