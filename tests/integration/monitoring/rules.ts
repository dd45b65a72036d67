// The lab's alert and recording rules as data, and the names of the series that an expression asks for.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { drillHost, labDir, network, repoDir, siteHost } from '../../../lab/places.ts';

export const monitoringFolder = join(labDir, 'monitoring');

export interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

/** As `galera` for rules/galera.yaml and tests/galera.yaml. */
export const ruleFileNames: readonly string[] = yamlNames('rules');
export const testFileNames: readonly string[] = yamlNames('tests');

function yamlNames(folder: string): readonly string[] {
  return readdirSync(join(monitoringFolder, folder))
    .map((file) => file.replace(/\.yaml$/, ''))
    .sort();
}

export const ruleFile = (name: string): RuleFile =>
  parse(readFileSync(join(monitoringFolder, 'rules', `${name}.yaml`), 'utf8'));

export const rulesOf = (name: string): readonly Rule[] => ruleFile(name).groups.flatMap((group) => group.rules);
export const allRules: readonly Rule[] = ruleFileNames.flatMap(rulesOf);
export const alerts = allRules.filter((rule): rule is Rule & { readonly alert: string } => rule.alert !== undefined);

/** Layout is not meaning. */
export const plain = (expr: string): string => expr.replace(/\s+/g, ' ').trim();

const words = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring', 'inf', 'nan']);

/** The series that an expression asks for. No parser: promtool has already said that it is PromQL. */
export function seriesNames(expr: string): readonly string[] {
  const bare = expr
    .replace(/"(?:[^"\\]|\\.)*"/g, '')
    .replace(/\{[^}]*\}/g, ' ')
    .replace(/\[[^\]]*\]/g, ' ')
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  const names = [...bare.matchAll(/(?<![\w.:])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => !words.has(name.toLowerCase())))];
}

const recorded: Readonly<Record<string, string>> = parse(
  readFileSync(join(repoDir, 'tests/fixtures/metric-names.yaml'), 'utf8'),
);

/** By scrape job, as they were seen. */
export const seenNames: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries(recorded).map(([job, names]) => [job, new Set(names.split(/\s+/))]),
);

/** What the app is to give for its background work: the table in lab/monitoring/README.md. */
export const promisedNames: ReadonlySet<string> = new Set(
  [...readFileSync(join(monitoringFolder, 'README.md'), 'utf8').matchAll(/^\| `(workshop_\w+)`/gm)].map(
    (match) => match[1] as string,
  ),
);

/** Prometheus gives these itself, for what it scrapes and evaluates. */
const ownNames = new Set(['up', 'scrape_duration_seconds', 'ALERTS']);
const recordedHere = new Set(allRules.flatMap((rule) => rule.record ?? []));

export const isKnown = (name: string): boolean =>
  ownNames.has(name) ||
  recordedHere.has(name) ||
  promisedNames.has(name) ||
  [...seenNames.values()].some((names) => names.has(name));

export const isOwn = (name: string): boolean => ownNames.has(name) || recordedHere.has(name);

/** A file inside a ConfigMap of a manifest, with the placeholders filled in. */
export function configured(manifest: string, file: string): string {
  const values: Readonly<Record<string, string>> = { FRONT: network.front, SITE_HOST: siteHost, DRILL_HOST: drillHost };
  const text = readFileSync(join(labDir, 'manifests', `${manifest}.yaml`), 'utf8').replace(
    /\$\{([A-Z_]+)\}/g,
    (_, key: string) => values[key] ?? key.toLowerCase(),
  );
  for (const document of parseAllDocuments(text)) {
    const object = document.toJS() as { kind: string; data?: Record<string, string> };
    const found = object.kind === 'ConfigMap' ? object.data?.[file] : undefined;
    if (found !== undefined) return found;
  }
  throw new Error(`manifests/${manifest}.yaml: no ConfigMap has a file ${file}`);
}

export interface PrometheusConfiguration {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly { readonly job_name: string }[];
}
export const prometheusConfiguration = (): PrometheusConfiguration => parse(configured('monitoring', 'prometheus.yml'));
