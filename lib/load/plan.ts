// Business units → an open model: what arrives each second, and how many virtual users a stall of the target ties up.
import { type Journey, journeys } from '../model/claim.ts';
import type { PlannedLoad, RateShape } from '../model/evidence.ts';
import type { LoadConfig, LoadProfile } from '../model/load-config.ts';
import { type LoadPlace, lackOf } from './needs.ts';
import { type HourlyPoint, hourlyShape, toRateShape } from './shape.ts';

/** One k6 workload; the rate is kept by the hour, where it is a whole number. */
export interface Workload {
  readonly journey: Journey;
  readonly perHour: number;
  /** Undefined when it is the same all the time. */
  readonly shape?: readonly HourlyPoint[];
  readonly virtualUsers: number;
}

/** k6 gives the handshake of a WebSocket a minute and can't be told otherwise: so long a virtual user may be held. */
const handshakeMs = 60_000;

/** Journeys that nobody plays are left out, and those that `place` has no place for. */
export function workloadsOf(
  config: Pick<LoadConfig, 'usualDurationMs' | 'stallBudgetMs'>,
  profile: LoadProfile,
  place?: LoadPlace,
): readonly Workload[] {
  return played(profile)
    .filter((journey) => lackFor(profile, journey, place) === undefined)
    .map((journey) => {
      const perHour = profile.technicians * (profile.perTechnicianHour[journey] ?? 0);
      const shape = hourlyShape(profile, journey);
      const mostPerHour = Math.max(...(shape ?? [{ perHour }]).map((point) => point.perHour));
      // Little's law: users at work = arrivals per second × seconds that each takes, here through the longest stall at the worst time.
      const stallMs =
        journey === 'realtime-notice' ? Math.max(handshakeMs, config.stallBudgetMs) : config.stallBudgetMs;
      const virtualUsers = Math.ceil((mostPerHour * (config.usualDurationMs + stallMs)) / 3_600_000);
      return { journey, perHour, ...(shape ? { shape } : {}), virtualUsers };
    });
}

/** Only those technicians count who are at work. */
const lackFor = ({ technicians }: LoadProfile, journey: Journey, place?: LoadPlace): string | undefined =>
  place && lackOf(journey, { ...place, technicians: place.technicians.slice(0, technicians) });

const played = ({ perTechnicianHour }: LoadProfile): readonly Journey[] =>
  journeys.filter((journey) => (perTechnicianHour[journey] ?? 0) > 0);

export function profileOf(config: LoadConfig, name: string): LoadProfile {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
  if (profile) return profile;
  throw new Error(`k6.config.ts: no profile ${name} (there are ${Object.keys(config.profiles).join(', ')})`);
}

/** Without a place: as if there were everything that any journey wants. */
export function planLoad(config: LoadConfig, name: string, place?: LoadPlace): PlannedLoad {
  const profile = profileOf(config, name);
  const workloads = workloadsOf(config, profile, place);
  const leftOut = played(profile).flatMap((journey) => {
    const why = lackFor(profile, journey, place);
    return why === undefined ? [] : [{ journey, why }];
  });
  const shapes: Partial<Record<Journey, RateShape>> = {};
  for (const { journey, shape } of workloads) if (shape) shapes[journey] = toRateShape(shape);
  return {
    profile: name,
    ratesPerSecond: byJourney(workloads, ({ perHour }) => perHour / 3600),
    ...(Object.keys(shapes).length > 0 ? { shapes } : {}),
    technicians: profile.technicians,
    stallBudgetMs: config.stallBudgetMs,
    virtualUsersMax: workloads.reduce((sum, { virtualUsers }) => sum + virtualUsers, 0),
    virtualUsers: byJourney(workloads, ({ virtualUsers }) => virtualUsers),
    ...(leftOut.length > 0 ? { leftOut } : {}),
  };
}

const byJourney = (
  workloads: readonly Workload[],
  value: (workload: Workload) => number,
): Readonly<Partial<Record<Journey, number>>> =>
  Object.fromEntries(workloads.map((workload) => [workload.journey, value(workload)]));
