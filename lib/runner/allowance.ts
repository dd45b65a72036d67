// A target that is not disposable needs an explicit, expiring allowance before anything in it may be broken.
import type { Instant } from '../model/evidence.ts';
import type { Target } from '../model/target.ts';

/** One sentence when the target must not be touched now. */
export function notAllowed(target: Target, now: Instant): string | undefined {
  const { class: environment, allowFaultsUntil } = target.environment;
  if (environment === 'disposable') return undefined;
  const place = `environment.allowFaultsUntil of ${target.name}`;
  if (allowFaultsUntil === undefined) {
    return `${target.name} is ${environment}, not disposable: it may only be broken with an allowance. Next: set ${place} to a time in the near future`;
  }
  if (Date.parse(allowFaultsUntil) <= now) {
    return `${place} was ${allowFaultsUntil}: the allowance is over. Next: agree on a new one`;
  }
  return undefined;
}
