// Labels of every object that the suite makes in a target: by them it is found again, from any machine, and removed by match.

export const managedBy = { key: 'app.kubernetes.io/managed-by', value: 'shakedown' } as const;

/** Carries the run's id, as the value of this label. */
export const runLabel = 'shakedown.dev/run';

/** `ticket` on ConfigMaps that say how to undo a fault; `helper` on pods that a fault armed. */
export const partLabel = 'shakedown.dev/part';
