// When which alert fired, from Prometheus' own record of it. Told in the report; that one must fire, or must not, is an objective's to say.
import { alertsRange, type Evidence } from '../model/evidence.ts';
import type { AlertPeriod } from '../model/run-view.ts';
import { compareText } from './findings.ts';
import { merge, readReplica } from './range-answer.ts';

/** Undefined when no replica told. A gap of one step is a scrape that was missed, not an end. */
export function alertPeriods({ ranges }: Pick<Evidence, 'ranges'>): readonly AlertPeriod[] | undefined {
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
    return stretches([...points.keys()].sort((a, b) => a - b)).map(
      ([from, to]): AlertPeriod => ({
        alert: alertname,
        severity,
        of,
        from: first.from + from * first.stepMs,
        to: first.from + to * first.stepMs,
        before: from <= 0,
        still: to >= lastStep - 1,
      }),
    );
  });
  return periods.sort((a, b) => a.from - b.from || compareText(a.alert, b.alert) || compareText(a.of, b.of));
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
