// A matcher that lets everything through looks like a choice and is none; one that lets nothing through has never any series.
import type { Matcher } from './parse.ts';

/** No label has all of these as its value. */
const unlikely = ['', '\u0001', 'Zq~7 \u00e9', 'x\ny'];

export function reachOf({ operator, value }: Matcher): 'everything' | 'nothing' | 'some' {
  if (operator === '=' || operator === '!=' || !unlikely.every((text) => matchesWhole(value, text))) return 'some';
  return operator === '=~' ? 'everything' : 'nothing';
}

/** As RE2 does it: the whole text, `.` also a line's end. What JavaScript can't read is left to Prometheus. */
function matchesWhole(pattern: string, text: string): boolean {
  try {
    return new RegExp(`^(?:${pattern.replace(/^\(\?[imsU]+\)/, '')})$`, 's').test(text);
  } catch {
    return false;
  }
}
