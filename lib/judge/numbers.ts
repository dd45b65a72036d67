// Numbers as findings carry and tell them: rounded in one way and told without a locale, so that the same evidence gives the same bytes.

/** To three decimals; more would tell of the machine, not of the target. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000 + 0;

/** 12 ms, 1.25 s, 34.2 s */
export function duration(ms: number): string {
  if (Math.abs(ms) < 1000) return `${Math.round(ms * 10) / 10} ms`;
  return `${Math.round(ms / 10) / 100} s`;
}

/** 99.95 %: never rounded up to 100 % when something is missing. */
export function percent(share: number): string {
  const exact = share * 100;
  const told = Math.round(exact * 100) / 100;
  return `${told === 100 && exact < 100 ? 99.99 : told} %`;
}

/** Parts of a whole below this don't count in a sum. */
const partsOfOne = 2 ** 30;

/**
 * A sum that comes out the same in whatever order its numbers come: whole parts and parts of one are added apart, each without rounding.
 */
export function evenSum(): { add(value: number): void; readonly total: number } {
  let whole = 0;
  let parts = 0;
  return {
    add(value) {
      const floor = Math.floor(value);
      whole += floor;
      parts += Math.round((value - floor) * partsOfOne);
    },
    get total() {
      return whole + parts / partsOfOne;
    },
  };
}

/** 1 document, 2 documents */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

/** Two sums of decimal quantities are the same: ERPNext stores nine decimals, floating point has its own opinion of the last. */
export const sameQuantity = (a: number, b: number): boolean => Math.abs(a - b) < 1e-6;
