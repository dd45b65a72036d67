// When which alert fired, from Prometheus' own record of it, and whether Alertmanager held it back. Told in the report; that one must fire,
// or must not, is judged in alerts.ts.
import { alertsRange, type Evidence } from '../model/evidence.ts';
import type { AlertPeriod } from '../model/run-view.ts';
import type { Labels } from './alert-looks.ts';
import { type AlertmanagerLooks, knownAs } from './alertmanager-looks.ts';
import { compareText } from './findings.ts';
import { merge, readReplica } from './range-answer.ts';

/** Undefined when no replica told. A gap of one step is a scrape that was missed, not an end. */
export function alertPeriods(
  { ranges }: Pick<Evidence, 'ranges'>,
  { looks }: Pick<AlertmanagerLooks, 'looks'> = { looks: [] },
): readonly AlertPeriod[] | undefined {
  const asked = ranges.filter(({ objective }) => objective === alertsRange.objective);
  const series = asked.flatMap((range) => readReplica(range).series ?? []);
  const [first] = asked;
  if (!first || series.length === 0) return undefined;
  const lastStep = Math.floor((first.to - first.from) / first.stepMs);
  const periods = [...merge(series)].flatMap(([key, points]) => {
    const labels = Object.fromEntries(JSON.parse(key) as [string, string][]);
    const { alertname = '?', severity = '', alertstate: _, __name__: __, ...others } = labels;
    const of = Object.entries(others)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ');
    /** The evaluation itself; older runs have 1 for a value, and are known to their steps. */
    const evaluatedAt = (step: number) => {
      const seconds = points.get(step) ?? 1;
      return seconds > 1 ? Math.round(seconds * 1000) : first.from + step * first.stepMs;
    };
    return stretches([...points.keys()].sort((a, b) => a - b)).map(([fromStep, toStep]): AlertPeriod => {
      const [from, to] = [evaluatedAt(fromStep), evaluatedAt(toStep)];
      const heldBack = heldBackIn(
        looks.filter(({ at }) => at >= from && at <= to + first.stepMs),
        { alertname, severity, ...others },
      );
      return {
        alert: alertname,
        severity,
        of,
        from,
        to,
        before: fromStep <= 0,
        still: toStep >= lastStep - 1,
        ...(heldBack === undefined ? {} : { heldBack }),
      };
    });
  });
  return periods.sort((a, b) => a.from - b.from || compareText(a.alert, b.alert) || compareText(a.of, b.of));
}

function heldBackIn(looks: AlertmanagerLooks['looks'], labels: Labels): string | undefined {
  const own = Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
  const known = looks.flatMap((look) => knownAs(look, own)).map(({ because }) => because);
  if (known.length === 0 || known.includes(undefined)) return undefined;
  return [...new Set(known)].join('; ');
}

function stretches(steps: readonly number[]): readonly (readonly [from: number, to: number])[] {
  const found: [number, number][] = [];
  for (const step of steps) {
    const last = found.at(-1);
    if (last && step - last[1] <= 2) last[1] = step;
    else found.push([step, step]);
  }
  return found;
}
