// The lab's roles are made of what the faults ask for, and stand in the repository for everybody to read.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { labTarget } from '../lab/steps/cluster.ts';
import { rolesOf } from './rights.ts';

const file = join(import.meta.dirname, '../lab/manifests/suite-rights.yaml');

test('lab/manifests/suite-rights.yaml is what the faults ask for (SHAKEDOWN_WRITE_RIGHTS=1 writes it anew)', async () => {
  const wanted = `# Made by cli/rights.test.ts of what runs and faults ask for: the suite's rights in the lab, and the guardian's.\n${rolesOf(labTarget(), 'shakedown-suite')}`;
  if (process.env.SHAKEDOWN_WRITE_RIGHTS) await writeFile(file, wanted);
  expect(await readFile(file, 'utf8')).toBe(wanted);
});

test('nobody may read every Secret, or do anything with everything', () => {
  for (const document of parseAllDocuments(rolesOf(labTarget(), 'shakedown-suite'))) {
    const { rules = [] } = document.toJS() as {
      rules?: { resources?: string[]; verbs: string[]; resourceNames?: string[] }[];
    };
    for (const { resources = [], verbs, resourceNames } of rules) {
      expect([...resources, ...verbs]).not.toContain('*');
      // Making one can't be bounded by name, and reads nothing.
      if (resources.includes('secrets') && verbs.join() !== 'create') expect(resourceNames?.length).toBeGreaterThan(0);
    }
  }
});
