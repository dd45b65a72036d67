// What the documents show of the code is the code: each block that names its file stands there, to the letter.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const repo = join(import.meta.dirname, '..');

const blocks = globSync('docs/*.md', { cwd: repo }).flatMap((page) =>
  [...readFileSync(join(repo, page), 'utf8').matchAll(/^```ts (\S+)\n(.*?)^```$/gms)].map(
    ([, file = '', code = '']) => ({ page, file, code }),
  ),
);

it('there are examples', () => {
  expect(new Set(blocks.map(({ page }) => page))).toEqual(
    new Set(['docs/writing-a-fault.md', 'docs/writing-a-scenario.md']),
  );
});

it.each(blocks)('$page shows $file as it is', ({ file, code }) => {
  expect(readFileSync(join(repo, file), 'utf8')).toContain(code);
});

it('links lead somewhere', () => {
  const broken = globSync('{*.md,docs/*.md}', { cwd: repo }).flatMap((page) =>
    [...readFileSync(join(repo, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].flatMap(([, link = '']) =>
      globSync(link.replace(/\/$/, ''), { cwd: join(repo, page, '..') }).length > 0 ? [] : [`${page}: ${link}`],
    ),
  );
  expect(broken).toEqual([]);
});
