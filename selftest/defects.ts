// Every defect that is seeded, by family.
import type { Defect, Family } from './defect.ts';
import { alertDefects } from './defects/alerts.ts';
import { appDefects } from './defects/app.ts';
import { faultDefects } from './defects/fault.ts';
import { loadDefects } from './defects/load.ts';
import { observationDefects } from './defects/observation.ts';
import { platformDefects } from './defects/platform.ts';

export const defects: Readonly<Record<Family, readonly Defect[]>> = {
  app: appDefects,
  platform: platformDefects,
  observation: observationDefects,
  load: loadDefects,
  fault: faultDefects,
  alerts: alertDefects,
};
