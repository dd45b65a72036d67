// Faults that can be built into the workshop on purpose, to see whether the suite finds them. All are off unless WORKSHOP_DEFECT names them.
// To add one: a line here, and one place in the code that asks `defects.active('its-name')`.

export const defects = {
  'ack-before-commit':
    'a Stock Entry is answered with 200 before its transaction is committed, and lost when the database dies meanwhile',
} as const satisfies Record<string, string>;

export type DefectName = keyof typeof defects;
export const defectNames = Object.keys(defects) as [DefectName, ...DefectName[]];

export interface Defects {
  active(name: DefectName): boolean;
}

export function chooseDefects(chosen: readonly DefectName[]): Defects {
  return { active: (name) => chosen.includes(name) };
}
