// The self-test in words, the same on the page, in the terminal and in a job's summary.
import { isSound, type Selftest } from '../lib/model/selftest.ts';
import { duration, plural } from './wording.ts';

/** How old it was when the gate began, which is told where that is known. */
export function selftestSentence(selftest: Selftest, gateStartedAt?: string): string {
  const { caught, missed, falseAlarms, controls, at } = selftest;
  const all = caught + missed.length + falseAlarms.filter((of) => !of.startsWith('control/')).length;
  const ageMs = gateStartedAt === undefined ? Number.NaN : Date.parse(gateStartedAt) - Date.parse(at);
  const age = Number.isNaN(ageMs)
    ? ''
    : ageMs < 1_000
      ? ', made by this gate'
      : `, ${duration(ageMs)} before this gate`;
  if (isSound(selftest))
    return `Self-test of the judge: ${plural(caught, 'seeded defect')} of ${all} caught, no false alarm on ${plural(controls, 'healthy control')}${age}.`;
  const parts = [
    ...(missed.length > 0 ? [`missed ${missed.length} of ${plural(all, 'seeded defect')} (${some(missed)})`] : []),
    ...(falseAlarms.length > 0 ? [`raised ${plural(falseAlarms.length, 'false alarm')} (${some(falseAlarms)})`] : []),
  ];
  return `The judge ${parts.join(' and ') || 'caught nothing'} in its self-test${age}: no gate is ready by it. Next: shakedown selftest.`;
}

const some = (names: readonly string[]): string =>
  names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
