// When a CronJob's schedule comes round: enough of cron to say whether a time of it has passed. Lists, ranges, steps and the usual
// shorthands; what is beyond that (names of days, a time zone of the controller's own) is not guessed.

const shorthands: Readonly<Record<string, string>> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * 0',
  '@monthly': '0 0 1 * *',
};

/** Minute, hour, day of the month, month, day of the week. */
const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

const minuteMs = 60_000;
const minutesMax = 8 * 24 * 60;

/** The first time of the schedule after `from`, or undefined when there is none within eight days, or the schedule can't be read. */
export function nextTime(schedule: string, timeZone: string, from: number): number | undefined {
  const parts = (shorthands[schedule.trim()] ?? schedule.trim()).split(/\s+/);
  const fields = parts.map((part, index) => valuesOf(part, ranges[index]));
  if (fields.length !== 5 || fields.some((field) => field === undefined)) return undefined;
  const [minute, hour, day, month, weekday] = fields as readonly ReadonlySet<number>[];
  const anyDay = parts[2]?.startsWith('*') || parts[4]?.startsWith('*');
  for (let step = 1; step <= minutesMax; step += 1) {
    const at = (Math.floor(from / minuteMs) + step) * minuteMs;
    const local = wallClock(at, timeZone);
    if (!minute?.has(local.minute) || !hour?.has(local.hour) || !month?.has(local.month)) continue;
    const ofWeek = weekday?.has(local.weekday) || (local.weekday === 0 && weekday?.has(7)) || false;
    const ofMonth = day?.has(local.day) ?? false;
    // With both days given either will do.
    if (anyDay ? ofWeek && ofMonth : ofWeek || ofMonth) return at;
  }
  return undefined;
}

function valuesOf(part: string, range: readonly [number, number] | undefined): ReadonlySet<number> | undefined {
  const values = new Set<number>();
  for (const item of part.split(',')) {
    const match = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(item);
    if (!match || !range) return undefined;
    const [, first = '', last, step] = match;
    const from = first === '*' ? range[0] : Number(first);
    const to = first === '*' || (step !== undefined && last === undefined) ? range[1] : Number(last ?? first);
    if (from < range[0] || to > range[1] || Number(step ?? 1) < 1) return undefined;
    for (let value = from; value <= to; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

function wallClock(at: number, timeZone: string) {
  const local = timeZone === 'UTC' ? new Date(at) : new Date(at + offsetMs(at, timeZone));
  return {
    minute: local.getUTCMinutes(),
    hour: local.getUTCHours(),
    day: local.getUTCDate(),
    month: local.getUTCMonth() + 1,
    weekday: local.getUTCDay(),
  };
}

function offsetMs(at: number, timeZone: string): number {
  const text = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(at);
  return Date.parse(`${text.replace(' ', 'T')}Z`) - Math.floor(at / 1000) * 1000;
}
