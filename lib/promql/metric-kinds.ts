// What a series' name tells of it. Only what Prometheus' naming makes plain is decided; of all others nothing is said.

/** Made to be counted up, from 0 at each start of its process. */
export const isCounter = (name: string): boolean => /_(total|bucket)$/.test(name);

/** Goes up and down, or is a moment: a rate of it means nothing. A colon is in what a rule recorded, which is a rate already or a level. */
export const isGauge = (name: string): boolean =>
  name.includes(':') ||
  /^(up|ALERTS|ALERTS_FOR_STATE|probe_success|scrape_\w+)$/.test(name) ||
  /_(info|ratio|celsius|percent|depth|timestamp_seconds|time_seconds|age_seconds|size_bytes|usage_bytes|free_bytes|available_bytes)$/.test(
    name,
  );

/** Every scrape target has these, so that without a label they are those of anybody. */
export const isEverywhere = (name: string): boolean =>
  /^(up|scrape_\w+|process_\w+|go_\w+|nodejs_\w+|ALERTS|ALERTS_FOR_STATE)$/.test(name);

/** Between which values a series lies whatever happens. */
export function valuesOf(name: string): readonly [number, number] {
  if (name === 'up' || name === 'probe_success') return [0, 1];
  // The series is there while the alert is, and its value says nothing.
  if (name === 'ALERTS') return [1, 1];
  return [isCounter(name) || name.endsWith('_count') ? 0 : Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
}
