// What a journey wants of a target beside documents. A target that lacks it is no mistake: the journey is left out of the load, and
// whoever plans or reads a run is told so.
import type { Journey } from '../model/claim.ts';
import type { Target } from '../model/target.ts';
import type { Technician } from './technicians.ts';

export interface LoadPlace {
  readonly site: Pick<Target['site'], 'dockWarehouse' | 'jobCards' | 'features' | 'technicians'>;
  readonly technicians: readonly Pick<Technician, 'password'>[];
}

/** In the target file's words. Journeys that are not named want nothing. */
export const needsOf: Readonly<Partial<Record<Journey, string>>> = {
  'stock-transfer': 'site.dockWarehouse',
  'job-card': 'site.jobCards',
  'photo-upload': 'files in site.features',
  'session-login': 'a password for each technician in the Secret of site.technicians',
  'realtime-notice': 'realtime in site.features',
};

/** What the place lacks for it; undefined when it can be played there. */
export function lackOf(journey: Journey, { site, technicians }: LoadPlace): string | undefined {
  const lacks: Readonly<Partial<Record<Journey, boolean>>> = {
    'stock-transfer': site.dockWarehouse === undefined,
    'job-card': site.jobCards === undefined,
    'photo-upload': !site.features?.includes('files'),
    'session-login': technicians.some(({ password }) => password === undefined),
    'realtime-notice': !site.features?.includes('realtime'),
  };
  return lacks[journey] ? `the target has no ${needsOf[journey]?.replace(/^a /, '')}` : undefined;
}
