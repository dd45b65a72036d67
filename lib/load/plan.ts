// Business units → an open model: what arrives each second, and how many virtual users a stall of the target ties up.
import type { Journey } from '../model/claim.ts';
import type { PlannedLoad } from '../model/evidence.ts';
import type { LoadConfig, LoadProfile } from '../model/load-config.ts';

/** One k6 workload; the rate is kept by the hour, where it is a whole number. */
export interface Workload {
  readonly journey: Journey;
  readonly perHour: number;
  readonly virtualUsers: number;
}

const journeys: readonly Journey[] = ['barcode-lookup', 'goods-receipt', 'parts-issue'];

/** Journeys that nobody plays are left out. */
export function workloadsOf(
  config: Pick<LoadConfig, 'usualDurationMs' | 'stallBudgetMs'>,
  profile: LoadProfile,
): readonly Workload[] {
  return journeys
    .map((journey) => {
      const perHour = profile.technicians * profile.perTechnicianHour[journey];
      // Little's law: users at work = arrivals per second × seconds that each takes, here through the longest stall.
      const virtualUsers = Math.ceil((perHour * (config.usualDurationMs + config.stallBudgetMs)) / 3_600_000);
      return { journey, perHour, virtualUsers };
    })
    .filter(({ perHour }) => perHour > 0);
}

export function profileOf(config: LoadConfig, name: string): LoadProfile {
  const profile = Object.hasOwn(config.profiles, name) ? config.profiles[name] : undefined;
  if (profile) return profile;
  throw new Error(`k6.config.ts: no profile ${name} (there are ${Object.keys(config.profiles).join(', ')})`);
}

export function planLoad(config: LoadConfig, profile: string): PlannedLoad {
  const workloads = workloadsOf(config, profileOf(config, profile));
  const rate = (journey: Journey) => (workloads.find((workload) => workload.journey === journey)?.perHour ?? 0) / 3600;
  return {
    profile,
    ratesPerSecond: {
      'barcode-lookup': rate('barcode-lookup'),
      'goods-receipt': rate('goods-receipt'),
      'parts-issue': rate('parts-issue'),
    },
    stallBudgetMs: config.stallBudgetMs,
    virtualUsersMax: workloads.reduce((sum, { virtualUsers }) => sum + virtualUsers, 0),
  };
}
