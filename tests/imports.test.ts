// Who may import whom. The folders are the architecture, so a wrong arrow is a failing test.
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, it } from 'vitest';

const repo = join(import.meta.dirname, '..');

/** Folder → what its files may import of the project; its own files always. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'lib/model': [],
  'lib/errors.ts': ['lib/model'],
  'lib/wait.ts': ['lib/model', 'lib/errors.ts'],
  'lib/tables': ['lib/model'],
  'lib/evidence': ['lib/model', 'lib/tables', 'lib/errors.ts'],
  'lib/judge': ['lib/model', 'lib/tables'],
  // Whoever judges needs no parser: claims are read before they are played, by the command line.
  'lib/promql': ['lib/model'],
  reports: ['lib/model'],
  // It asks what judges, and nothing that plays.
  selftest: ['lib/model', 'lib/judge', 'lib/evidence', 'lib/promql'],
  load: ['lib/model', 'k6.config.ts'],
  'lib/load': ['lib/model', 'lib/evidence', 'lib/errors.ts', 'load'],
  'lib/clients': ['lib/model', 'lib/wait.ts', 'lib/errors.ts'],
  chaos: ['lib/model', 'lib/wait.ts', 'lib/errors.ts'],
  // Probes look at the database's topology as the faults do.
  'lib/probes': ['lib/model', 'lib/tables', 'lib/wait.ts', 'lib/errors.ts', 'chaos'],
  'lib/runner': ['lib/model', 'lib/tables', 'lib/judge', 'lib/wait.ts', 'lib/errors.ts'],
  scenarios: ['lib/model', 'lib/probes', 'chaos', 'restore-drills', 'k6.config.ts'],
  lab: ['lib/model'],
};

const folderOf = (file: string): string | undefined =>
  Object.keys(allowed)
    .filter((folder) => file === folder || file.startsWith(`${folder}/`))
    .sort((a, b) => b.length - a.length)[0];

const filesOf = (folder: string): readonly string[] =>
  globSync('**/*.ts', { cwd: repo, exclude: (name) => ['node_modules', 'runs', '.git'].includes(name) }).filter(
    (file) => !file.endsWith('.test.ts') && folderOf(file) === folder,
  );

const importsOf = (file: string): readonly string[] =>
  [...readFileSync(join(repo, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) =>
    relative(repo, join(repo, dirname(file), match[1] as string)),
  );

it.each(Object.keys(allowed))('%s imports only what it may', (folder) => {
  const files = filesOf(folder);
  expect(files.length).toBeGreaterThan(0);
  const wrong = files.flatMap((file) =>
    importsOf(file)
      .filter((imported) => {
        const to = folderOf(imported) ?? imported;
        return to !== folder && !allowed[folder]?.includes(to);
      })
      .map((imported) => `${file} → ${imported}`),
  );
  expect(wrong).toEqual([]);
});

it('would see a wrong arrow', () => {
  expect(importsOf('cli/gate.ts')).toContain('scenarios/catalog.ts');
  expect(folderOf('lib/judge/judge.ts')).toBe('lib/judge');
});
