// The dashboard can't be looked at here, so what can be known of it is: that it is whole, that Prometheus can answer every panel, and that
// the figures are those which the alerts stand on.
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { ask } from './programs.ts';
import { alerts, isKnown, isOwn, monitoringFolder, seriesNames } from './rules.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: { readonly defaults: { readonly unit: string } };
  readonly targets?: readonly {
    readonly expr: string;
    readonly legendFormat: string;
    readonly datasource: { uid: string };
  }[];
}

const dashboard = JSON.parse(readFileSync(join(monitoringFolder, 'dashboard.json'), 'utf8')) as {
  readonly uid: string;
  readonly panels: readonly Panel[];
};
const figures = dashboard.panels.filter((panel) => panel.type !== 'row');
const queries = figures.flatMap((panel) => panel.targets ?? []);

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shakedown-dashboard-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const parsed = async (exprs: readonly string[]): ReturnType<typeof ask> => {
  const file = join(folder, 'panels.yaml');
  const rules = exprs.map((expr, index) => ({ record: `panel:query:${index}`, expr }));
  await writeFile(file, stringify({ groups: [{ name: 'panels', rules }] }, { lineWidth: 0 }));
  return ask('promtool', ['check', 'rules', file]);
};

it('has panels that are whole and lie beside each other', () => {
  expect(figures.length).toBeGreaterThan(25);
  expect(new Set(dashboard.panels.map((panel) => panel.id)).size).toBe(dashboard.panels.length);
  for (const panel of figures) {
    expect(panel.description, panel.title).toMatch(/\w+.*\.$/);
    expect(panel.fieldConfig?.defaults.unit, panel.title).toBeTruthy();
    expect(panel.targets?.length, panel.title).toBeGreaterThan(0);
    for (const { datasource } of panel.targets ?? []) expect(datasource.uid).toMatch(/^\$\{datasource\}$/);
  }
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => {
    expect(x + w).toBeLessThanOrEqual(24);
    return Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`);
  });
  expect(new Set(cells).size).toBe(cells.length);
});

it('asks what Prometheus can parse', async () => {
  const { code, said } = await parsed(queries.map((query) => query.expr));
  expect(said).toContain(`SUCCESS: ${queries.length} rules found`);
  expect(code).toBe(0);
  expect((await parsed(['sum(up'])).code).not.toBe(0);
});

it('asks only for series that exist', () => {
  const unknown = queries.flatMap((query) => seriesNames(query.expr).filter((name) => !isKnown(name)));
  expect(unknown).toEqual([]);
});

it('shows a figure of every part that has alerts', () => {
  const shown = new Set(queries.flatMap((query) => seriesNames(query.expr)));
  const parts = [...new Set(alerts.map((rule) => rule.labels?.part))];
  const bare = parts.filter(
    (part) =>
      !alerts.some(
        (rule) => rule.labels?.part === part && seriesNames(rule.expr).some((name) => !isOwn(name) && shown.has(name)),
      ),
  );
  expect(bare.filter((part) => part !== 'monitoring')).toEqual([]);
  expect(shown).toContain('monitoring:targets_expected:count');
});
