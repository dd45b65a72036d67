// What a person may have meant: scenarios by name, and the markers that look most like one that is not there: a digit was lost in copying, or two were swapped.

const suggestionsMax = 3;
/** Farther is another marker, not a slip. */
const changesMax = 4;

export async function nearestTo(
  marker: string,
  folders: readonly string[],
  eachMarker: (folder: string, visit: (marker: string) => void) => Promise<void>,
): Promise<readonly string[]> {
  const near = new Map<string, number>();
  const visit = (other: string): void => {
    if (Math.abs(other.length - marker.length) > changesMax) return;
    const distance = changesBetween(marker, other);
    if (distance > changesMax) return;
    near.set(other, distance);
    if (near.size <= suggestionsMax) return;
    const [worst] = [...near].sort(([a, x], [b, y]) => y - x || (a < b ? 1 : -1));
    if (worst) near.delete(worst[0]);
  };
  for (const folder of folders) await eachMarker(folder, visit);
  return [...near].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([other]) => other);
}

/** Levenshtein: characters put in, left out or changed. */
export function changesBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(
        Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}
