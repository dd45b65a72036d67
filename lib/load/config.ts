// Checks k6.config.ts strictly and tells every mistake at once, each with its place: a mistyped key would else be a default.
import { z } from 'zod';
import { type Journey, journeys } from '../model/claim.ts';
import type { LoadConfig, LoadProfile } from '../model/load-config.ts';
import { workloadsOf } from './plan.ts';

const file = 'k6.config.ts';
const share = z.number().min(0).max(1);
const milliseconds = z.number().int().min(1);
const byJourney = <T extends z.ZodType>(value: T) =>
  z.strictObject(
    Object.fromEntries(journeys.map((journey) => [journey, z.exactOptional(value)])) as Record<
      Journey,
      z.ZodExactOptional<T>
    >,
  );

const factor = z.number().min(0).max(100);
const shift = z.strictObject({
  name: z.string().min(1),
  fromMs: z.number().int().min(0),
  lastsMs: milliseconds,
  rampMs: z.exactOptional(z.number().int().min(0)),
  times: z.union([factor, byJourney(factor)], 'wants a factor of 0 to 100, or one for each journey that it changes'),
});

const profile = z.strictObject({
  technicians: z.number().int().min(1),
  perTechnicianHour: byJourney(z.number().int().min(0)),
  shifts: z.exactOptional(z.array(shift)),
  hotItems: z.exactOptional(z.strictObject({ count: z.number().int().min(1), ratio: share })),
});

const fields = {
  profiles: z.record(z.string().regex(/^[a-z0-9-]+$/, 'wants a kebab-case name'), profile),
  stallBudgetMs: milliseconds,
  requestTimeoutMs: milliseconds,
  usualDurationMs: milliseconds,
  goodWithinMs: byJourney(milliseconds),
  virtualUsersMax: z.number().int().min(1),
  barcodes: z.strictObject({ skew: z.number().min(0).max(5), missRatio: share }),
  twoStepRatio: share,
  seed: z.number().int().min(0).max(0xffff_ffff),
};

const schema: z.ZodType<LoadConfig> = z.strictObject(fields);

export class LoadConfigError extends Error {
  /** One line each, with its place: `k6.config.ts: profiles.gate.technicians: …`. */
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(mistakes.join('\n'));
    this.name = 'LoadConfigError';
    this.mistakes = mistakes;
  }
}

/** Throws a LoadConfigError with all mistakes. */
export function loadConfigFrom(value: unknown): LoadConfig {
  const parsed = schema.safeParse(value);
  const mistakes = [...(parsed.error?.issues ?? []).flatMap(shapeMistakes), ...sumMistakes(value)];
  if (mistakes.length > 0) throw new LoadConfigError(mistakes.map((mistake) => `${file}: ${mistake}`));
  return parsed.data as LoadConfig;
}

function shapeMistakes(issue: z.core.$ZodIssue): string[] {
  const place = (...more: PropertyKey[]) => [...issue.path, ...more].map(String).join('.');
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${place(key)}: unknown key`);
  if (issue.code === 'invalid_key') return [`${place()}: ${issue.issues[0]?.message}`];
  return [`${place() || 'default export'}: ${issue.message.replace(/^Invalid input: /, '')}`];
}

/** What is wrong between fields that are right by themselves; asked of each as far as its own fields can be read. */
function sumMistakes(value: unknown): string[] {
  const given = (typeof value === 'object' && value !== null ? value : {}) as Readonly<Record<string, unknown>>;
  const read = <K extends keyof typeof fields>(key: K): z.infer<(typeof fields)[K]> | undefined =>
    fields[key].safeParse(given[key]).data as z.infer<(typeof fields)[K]> | undefined;
  const mistakes: string[] = [];

  const requestTimeoutMs = read('requestTimeoutMs');
  const goodWithinMs = read('goodWithinMs');
  for (const [journey, within] of Object.entries(goodWithinMs ?? {})) {
    if (requestTimeoutMs !== undefined && within > requestTimeoutMs) {
      mistakes.push(`goodWithinMs.${journey}: ${within} is longer than requestTimeoutMs ${requestTimeoutMs}`);
    }
  }
  const usualDurationMs = read('usualDurationMs');
  if (requestTimeoutMs !== undefined && usualDurationMs !== undefined && usualDurationMs > requestTimeoutMs) {
    mistakes.push(`usualDurationMs: ${usualDurationMs} is longer than requestTimeoutMs ${requestTimeoutMs}`);
  }

  const played = new Set<Journey>();
  const stallBudgetMs = read('stallBudgetMs');
  const virtualUsersMax = read('virtualUsersMax');
  const profiles = (typeof given.profiles === 'object' && given.profiles) || {};
  if (Object.keys(profiles).length === 0) mistakes.push('profiles: wants at least one');
  for (const [name, one] of Object.entries(profiles)) {
    const { data } = profile.safeParse(one);
    if (!data) continue;
    const own = journeys.filter((journey) => (data.perTechnicianHour[journey] ?? 0) > 0);
    for (const journey of own) played.add(journey);
    if (own.length === 0) mistakes.push(`profiles.${name}.perTechnicianHour: all zero, nothing would be sent`);
    mistakes.push(...shiftMistakes(data, own).map((mistake) => `profiles.${name}.shifts.${mistake}`));
    if (stallBudgetMs === undefined || usualDurationMs === undefined || virtualUsersMax === undefined) continue;
    const wanted = workloadsOf({ stallBudgetMs, usualDurationMs }, data).reduce(
      (sum, { virtualUsers }) => sum + virtualUsers,
      0,
    );
    if (wanted > virtualUsersMax) {
      mistakes.push(
        `profiles.${name}: a stall of ${stallBudgetMs} ms${data.shifts ? ' at its busiest' : ''} wants ${wanted} virtual users, virtualUsersMax is ${virtualUsersMax}. ` +
          'Next: fewer technicians, a shorter stallBudgetMs, or a larger machine and a higher virtualUsersMax',
      );
    }
  }
  for (const journey of goodWithinMs ? played : []) {
    if (goodWithinMs?.[journey] === undefined)
      mistakes.push(`goodWithinMs.${journey}: missing, and a profile plays it`);
  }
  return mistakes;
}

/** What each shift says by itself is right; here is what it says of the profile. */
function shiftMistakes({ shifts = [] }: LoadProfile, played: readonly Journey[]): string[] {
  return shifts.flatMap(({ name, lastsMs, rampMs = 0, times }, index) => {
    const mistakes: string[] = [];
    if (2 * rampMs > lastsMs)
      mistakes.push(`${index}.rampMs: ${rampMs} up and again down do not fit into lastsMs ${lastsMs} (${name})`);
    if (typeof times === 'number') return mistakes;
    const changed = Object.keys(times) as Journey[];
    if (changed.length === 0) mistakes.push(`${index}.times: changes nothing (${name})`);
    for (const journey of changed)
      if (!played.includes(journey)) mistakes.push(`${index}.times.${journey}: the profile does not play it (${name})`);
    return mistakes;
  });
}
