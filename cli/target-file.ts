// Reads a target file: YAML or JSON, every mistake named with its line, nothing touched before it is whole.
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { Problem } from '../lib/errors.ts';
import { type Target, targetSchema } from '../lib/model/target.ts';

export async function readTargetFile(file: string): Promise<Target> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw wrong(file, [error.code === 'ENOENT' ? 'there is no such file' : error.message]);
  });
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  if (document.errors.length > 0)
    throw wrong(
      file,
      document.errors.map(({ message }) => message.split('\n')[0] ?? ''),
    );
  const parsed = targetSchema.safeParse(document.toJS());
  if (parsed.success) return parsed.data;
  throw wrong(
    file,
    parsed.error.issues.map((issue) => {
      const line = lineOf(document, lines, issue.path);
      const place = issue.path.map(String).join('.') || 'the file';
      return `${line ? `line ${line}: ` : ''}${place}: ${issue.code === 'unrecognized_keys' ? `unknown key ${issue.keys.join(', ')}` : issue.message}`;
    }),
  );
}

function lineOf(
  document: ReturnType<typeof parseDocument>,
  lines: LineCounter,
  path: readonly PropertyKey[],
): number | undefined {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: readonly [number, number, number] }
      | undefined;
    if (node?.range) return lines.linePos(node.range[0]).line;
  }
  return undefined;
}

function wrong(file: string, mistakes: readonly string[]): Problem {
  return new Problem({
    kind: 'usage',
    what: 'target file',
    where: file,
    seen: mistakes.join(`\n  ${file}: `),
    next: 'mend it; `shakedown schema target` prints what it may say',
  });
}
