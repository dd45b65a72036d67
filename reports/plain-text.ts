// Plain text for terminals: colour where it is shown, lines of 100 columns, and nothing of what a target wrote that could move the cursor.
import type { Outcome } from '../lib/model/verdict.ts';

const codes: Readonly<Record<Outcome, number>> = { passed: 32, inconclusive: 33, failed: 31 };

export function painted(
  text: string,
  outcome: Outcome,
  { colour }: { readonly colour: boolean },
  reverse = false,
): string {
  return colour ? `\u001b[1;${codes[outcome]}${reverse ? ';7' : ''}m${text}\u001b[0m` : text.trim();
}

/** What a target wrote must not move the cursor, change colours or turn the direction of reading. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ');

/** A name comes from a file, and the file may be anybody's. */
export const named = (text: string): string => printable(text).slice(0, 200);

const columns = 100;

export function wrapped(text: string, indent: number, hanging = indent): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/\s+/)) {
    const margin = lines.length === 0 ? indent : hanging;
    if (line !== '' && margin + line.length + 1 + word.length > columns) {
      lines.push(' '.repeat(margin) + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, ' '.repeat(lines.length === 0 ? indent : hanging) + line];
}
