// Finds in a PromQL expression what makes it unfit to judge by: it can't fail, it can't be told from no data, or Prometheus would not
// answer it. The expression is walked once; of each part is worked out what is known of its values without asking anybody:
// between which they lie, which series must be there for there to be one, and whether it can be NaN.
import { aggregations, promqlFunctions, ratesOf, slopesOf } from './functions.ts';
import { reachOf } from './matches-everything.ts';
import { isCounter, isEverywhere, isGauge, valuesOf } from './metric-kinds.ts';
import { type Expression, isExpression, parsePromql } from './parse.ts';

/** The rules by name; docs/writing-a-scenario.md says what each refuses and what to write instead. */
export type PromqlRule =
  | 'syntax'
  | 'type'
  | 'experimental'
  | 'filter'
  | 'absent'
  | 'invented-zero'
  | 'constant'
  | 'no-failure'
  | 'no-pass'
  | 'nan-hidden'
  | 'selector'
  | 'matcher'
  | 'range'
  | 'gauge'
  | 'counter'
  | 'moment';

export interface PromqlMistake {
  readonly rule: PromqlRule;
  /** Characters of the text, from 0. */
  readonly from: number;
  readonly to: number;
  /** What is wrong, and what to write instead. */
  readonly says: string;
}

export interface PromqlUse {
  readonly min?: number;
  readonly max?: number;
  /** How often Prometheus scrapes, where that is known. */
  readonly scrapeIntervalMs?: number;
}

export interface LintedPromql {
  readonly mistakes: readonly PromqlMistake[];
  /** It can have one series only, whatever there is. */
  readonly single: boolean;
  /** Its value hangs on counters, of which a process that starts anew loses some. */
  readonly counts: boolean;
}

/** Longer ones are nothing that a person wrote, and would take the parser's stack. */
const lengthMax = 4_000;

/** A rate over fewer scrapes has none or one difference when one of them is late or lost. */
export const scrapesMin = 4;

export function lintPromql(text: string, use: PromqlUse = {}): LintedPromql {
  const mistakes: PromqlMistake[] = [];
  const refuse = (rule: PromqlRule, { from, to }: { from: number; to: number }, says: string) =>
    void mistakes.push({ rule, from, to, says });
  const done = (single: boolean, counts: boolean) => ({
    mistakes: mistakes.sort((a, b) => a.from - b.from || a.to - b.to),
    single,
    counts,
  });

  if (text.length > lengthMax) {
    refuse('syntax', { from: lengthMax, to: text.length }, `it is longer than ${lengthMax} characters`);
    return done(true, false);
  }
  const parsed = parsePromql(text);
  if (!isExpression(parsed)) {
    refuse('syntax', parsed.mistake, parsed.mistake.says);
    return done(true, false);
  }
  const whole = walk(parsed, 'value', { text, use, refuse });
  if (whole.type === 'range' || whole.type === 'text')
    refuse('type', parsed, `it gives ${nameOf(whole.type)}, and only an instant vector or a number can be judged`);
  else if (mistakes.every(({ rule }) => rule !== 'type' && rule !== 'experimental')) {
    mistakes.push(...ofTheWhole(parsed, whole, use));
  }
  return done(whole.labels?.length === 0, whole.counts);
}

type Type = 'vector' | 'scalar' | 'range' | 'text';
type Values = readonly [least: number, most: number];

/** What is known of a part without asking Prometheus. */
interface Meaning {
  readonly type: Type;
  readonly values: Values;
  /** There is a value only if some series has one in this very moment. */
  readonly grounded: boolean;
  /** Series all of which must be there for it. */
  readonly requires: ReadonlySet<string>;
  /** Series that its value comes from. */
  readonly reads: ReadonlySet<string>;
  /** Zeros and the like that `or` puts where there is nothing, with the series in whose place they stand. */
  readonly invented: readonly { readonly place: Expression; readonly of: ReadonlySet<string> }[];
  readonly mayBeNaN: boolean;
  /** A counter whose value is taken as it is. */
  readonly rawCounter?: string;
  readonly counts: boolean;
  /** Labels that its series may differ in; undefined: any. */
  readonly labels?: readonly string[];
  readonly shifted?: boolean;
}

/** Of the value itself; behind `and` or `unless`, where it is only asked whether there is any; the `y > 0` of `x / (y > 0)`. */
type Position = 'value' | 'condition' | 'divisor';

interface Walk {
  readonly text: string;
  readonly use: PromqlUse;
  readonly refuse: (rule: PromqlRule, place: { from: number; to: number }, says: string) => void;
}

const any: Values = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
const none: ReadonlySet<string> = new Set();
const nothing: Meaning = {
  type: 'vector',
  values: any,
  grounded: false,
  requires: none,
  reads: none,
  invented: [],
  mayBeNaN: false,
  counts: false,
};

/** What only the expression as a whole can be blamed for. */
function ofTheWhole(parsed: Expression, whole: Meaning, use: PromqlUse): readonly PromqlMistake[] {
  const mistakes: PromqlMistake[] = [];
  const refuse = (rule: PromqlRule, { from, to }: Expression, says: string) =>
    void mistakes.push({ rule, from, to, says });
  const [least, most] = whole.values;
  const bound = boundText(use);

  if (!whole.grounded && whole.invented.length === 0)
    refuse(
      'constant',
      parsed,
      whole.shifted
        ? 'none of its series is read in the phase itself, only before it: what is missing now does not show. Read at least one without `offset`'
        : 'it has a value whatever is there, for it reads no series: it says nothing of the target',
    );
  for (const { place, of } of whole.invented) {
    const bare = [...of].filter((name) => !name.startsWith('ALERTS') && !whole.requires.has(name));
    if (!whole.grounded)
      refuse(
        'invented-zero',
        place,
        'without any data it is as good as with none that is bad: `or` fills in. Ask beside it for what must be there, `(… or vector(0)) and (count(SERIES) > 0)`, or divide by it',
      );
    else if (bare.length > 0)
      refuse(
        'invented-zero',
        place,
        `\`or\` fills in for ${bare.join(', ')}, and nothing shows that ${bare.length === 1 ? 'this series was' : 'these series were'} ever there: a misspelt name would be zero as well. Let the same name be required, \`and (count(${bare[0]}) > 0)\` with fewer labels, or have its counter begin at 0 and leave \`or\` away`,
      );
  }
  if (whole.rawCounter)
    refuse(
      'counter',
      parsed,
      `${whole.rawCounter} counts since its process began, so its value tells how old that is, and falls when it starts anew. Ask for rate() or increase() of it`,
    );
  if (whole.grounded && (use.min !== undefined || use.max !== undefined)) {
    const within = least >= (use.min ?? Number.NEGATIVE_INFINITY) && most <= (use.max ?? Number.POSITIVE_INFINITY);
    const outside = least > (use.max ?? Number.POSITIVE_INFINITY) || most < (use.min ?? Number.NEGATIVE_INFINITY);
    if (within)
      refuse('no-failure', parsed, `it lies ${betweenText(whole.values)} whatever happens, so ${bound} can't fail`);
    if (outside)
      refuse('no-pass', parsed, `it lies ${betweenText(whole.values)} whatever happens, so ${bound} is never kept`);
  }
  return mistakes;
}

function walk(part: Expression, position: Position, on: Walk): Meaning {
  const textOf = ({ from, to }: Expression) => on.text.slice(from, to);
  switch (part.kind) {
    case 'number':
      return {
        ...nothing,
        type: 'scalar',
        values: Number.isNaN(part.value) ? any : [part.value, part.value],
        mayBeNaN: Number.isNaN(part.value),
        labels: [],
      };
    case 'string':
      return { ...nothing, type: 'text', labels: [] };
    case 'selector':
      return ofSelector(part, on);
    case 'range':
    case 'subquery': {
      const of = walk(part.of, position, on);
      if (of.type !== 'vector' || (part.kind === 'range' && part.of.kind !== 'selector'))
        on.refuse('type', part, `\`${textOf(part.of)}\` can't be taken over a range`);
      return { ...of, type: 'range' };
    }
    case 'shifted': {
      const of = walk(part.of, position, on);
      if (part.how === 'offset') return { ...of, grounded: false, requires: none, shifted: true };
      on.refuse(
        'moment',
        part,
        '`@` asks for one moment and gives it at each step: a phase of which nothing was seen looks watched. Leave it away',
      );
      return of;
    }
    case 'negated': {
      const of = walk(part.of, position, on);
      if (of.type !== 'vector' && of.type !== 'scalar') on.refuse('type', part, `${nameOf(of.type)} can't be negated`);
      return { ...of, values: [-of.values[1], -of.values[0]] };
    }
    case 'call':
      return ofCall(part, position, on);
    case 'aggregation':
      return ofAggregation(part, position, on);
    case 'binary':
      return ofBinary(part, position, on);
    case 'experimental':
      on.refuse(
        'experimental',
        part,
        `\`${part.what}\` stands behind a feature flag of Prometheus and is not judged by`,
      );
      return walk(part.of, position, on);
  }
}

type Of<Kind extends Expression['kind']> = Extract<Expression, { readonly kind: Kind }>;

function ofSelector(part: Of<'selector'>, on: Walk): Meaning {
  const { name, matchers } = part;
  const telling = matchers.filter((matcher) => {
    const reach = reachOf(matcher);
    const told = `${matcher.label}${matcher.operator}"${matcher.value}"`;
    if (reach === 'everything')
      on.refuse(
        'matcher',
        part,
        `\`${told}\` matches everything, so it chooses nothing. Leave it away, or say what is meant`,
      );
    if (reach === 'nothing') on.refuse('matcher', part, `\`${told}\` matches nothing, so there is never a series`);
    return reach !== 'everything' && (matcher.value !== '' || matcher.operator === '!=');
  });
  if (name === undefined)
    on.refuse('selector', part, 'it names no series, so it reads whatever has these labels. Give it a name');
  else if (isEverywhere(name) && telling.length === 0)
    on.refuse(
      'selector',
      part,
      `every scrape target has ${name}: without a label it is that of anybody. Say whose, \`${name}{job="…"}\``,
    );
  const names = new Set(name === undefined ? [] : [name]);
  return {
    ...nothing,
    values: name === undefined ? any : valuesOf(name),
    grounded: true,
    requires: names,
    reads: names,
    ...(name !== undefined && isCounter(name) ? { rawCounter: name } : {}),
  };
}

function ofCall(part: Of<'call'>, position: Position, on: Walk): Meaning {
  const name = part.function;
  const given = part.arguments.map((one) => walk(one, position, on));
  const known = promqlFunctions.get(name);
  if (!known) {
    on.refuse('experimental', part, `${name}() is not known here, so nobody can say what it makes of missing data`);
    return nothing;
  }
  checkArguments(part, name, known.takes, given, on);
  const at = known.takes.findIndex((one) => one === 'v' || one === 'm' || one === 'v?');
  const over = part.arguments[at];
  const of = given[at] ?? given[0] ?? nothing;

  if (name === 'absent' || name === 'absent_over_time')
    on.refuse(
      'absent',
      part,
      `${name}() is 1 because there is no data, and that is all it knows. Count what must be there: \`count(SERIES)\` with a lower bound`,
    );
  if (name === 'last_over_time')
    on.refuse(
      'moment',
      part,
      'last_over_time() shows an old value where there is none, so a gap does not show. Ask for the series itself',
    );
  if (over && of.type === 'range') checkRange(name, over, of, on);

  const clamps = given.slice(1).map(({ values }) => values);
  const values: Values =
    name === 'clamp'
      ? clamped(of.values, clamps[0]?.[0], clamps[1]?.[1])
      : name === 'clamp_min'
        ? clamped(of.values, clamps[0]?.[0], undefined)
        : name === 'clamp_max'
          ? clamped(of.values, undefined, clamps[0]?.[1])
          : known.between === 'same'
            ? of.values
            : (known.between ?? any);
  const { rawCounter, labels, ...rest } = of;
  const readsAsIs =
    ratesOf.has(name) || ['resets', 'changes', 'timestamp', 'count_over_time', 'present_over_time'].includes(name);
  const left =
    name === 'label_replace' || name === 'label_join' || name === 'info' || name === 'histogram_quantiles'
      ? undefined
      : name === 'histogram_quantile'
        ? labels?.filter((label) => label !== 'le')
        : known.gives === 'scalar' || name === 'vector'
          ? []
          : labels;
  return {
    ...rest,
    type: known.gives,
    values,
    mayBeNaN: given.some(({ mayBeNaN }) => mayBeNaN) || name === 'scalar' || name.startsWith('histogram_'),
    counts: of.counts || ratesOf.has(name),
    ...(rawCounter && !readsAsIs ? { rawCounter } : {}),
    ...(left ? { labels: left } : {}),
  };
}

function checkArguments(
  part: Expression,
  name: string,
  takes: readonly string[],
  given: readonly Meaning[],
  on: Walk,
): void {
  const least = takes.filter((one) => one.length === 1).length;
  const most = takes.some((one) => one.endsWith('*')) ? Number.POSITIVE_INFINITY : takes.length;
  if (given.length < least || given.length > most) {
    on.refuse(
      'type',
      part,
      `${name}() wants ${least === most ? least : `${least} or more`} arguments and is given ${given.length}`,
    );
    return;
  }
  given.forEach(({ type }, index) => {
    const wanted = types[(takes[index] ?? takes.at(-1) ?? 'v')[0] as keyof typeof types];
    if (type !== wanted)
      on.refuse(
        'type',
        part,
        `${name}() wants ${nameOf(wanted)}${index > 0 ? ` in place ${index + 1}` : ''} and is given ${nameOf(type)}`,
      );
  });
}
const types = { v: 'vector', m: 'range', s: 'scalar', t: 'text' } as const satisfies Record<string, Type>;
const nameOf = (type: Type): string =>
  ({ vector: 'an instant vector', range: 'a range of time', scalar: 'a number', text: 'a text' })[type];

/** Rates and slopes: over enough scrapes, and of what they are made for. */
function checkRange(name: string, over: Expression, { reads }: Meaning, on: Walk): void {
  const range = rangeIn(over);
  if (!range) return;
  const everyMs = range.kind === 'subquery' ? range.stepMs : on.use.scrapeIntervalMs;
  const needed = ratesOf.has(name) || slopesOf.has(name) ? scrapesMin : 1;
  if (everyMs !== undefined && range.rangeMs !== undefined && range.rangeMs < needed * everyMs)
    on.refuse(
      'range',
      over,
      `${name}() over ${range.rangeMs / 1000} s of what is read every ${everyMs / 1000} s: when one reading is late or lost there is no value, or a wrong one. Take ${(needed * everyMs) / 1000} s at least`,
    );
  for (const series of reads) {
    if (ratesOf.has(name) && isGauge(series))
      on.refuse(
        'gauge',
        over,
        `${name}() takes each fall of ${series} for a restart, and by its name it is no counter. ${series.includes(':') ? 'Ask for the recorded series itself, or for the rate of what it was recorded from' : 'Ask for its value, or for delta()'}`,
      );
    if (slopesOf.has(name) && isCounter(series))
      on.refuse(
        'counter',
        over,
        `${name}() of the counter ${series} falls when its process starts anew. Ask for rate() or increase()`,
      );
  }
  if (ratesOf.has(name) && range.kind === 'subquery' && adds(range.of))
    on.refuse(
      'counter',
      over,
      `${name}() of a sum of counters: when one of them starts anew or goes, the sum falls and all of it counts again. Take the rate first, then the sum`,
    );
}

const rangeIn = (part: Expression): Of<'range' | 'subquery'> | undefined =>
  part.kind === 'range' || part.kind === 'subquery' ? part : part.kind === 'shifted' ? rangeIn(part.of) : undefined;

const adds = (part: Expression): boolean => part.kind === 'aggregation' || (part.kind === 'shifted' && adds(part.of));

function ofAggregation(part: Of<'aggregation'>, position: Position, on: Walk): Meaning {
  const { operator, by } = part;
  const before = aggregations.get(operator);
  const given = part.arguments.map((one) => walk(one, position, on));
  checkArguments(part, operator, [...(before ? [before] : []), 'v'], given, on);
  const of = given.at(-1) ?? nothing;
  const [least, most] = of.values;
  const { rawCounter, labels: _, ...rest } = of;
  const chooses = ['topk', 'bottomk', 'limitk', 'limit_ratio'].includes(operator);
  const values: Values =
    operator === 'sum'
      ? [least >= 0 ? least : any[0], most <= 0 ? most : any[1]]
      : operator === 'count' || operator === 'count_values'
        ? [1, any[1]]
        : operator === 'group'
          ? [1, 1]
          : operator === 'stddev' || operator === 'stdvar'
            ? [0, any[1]]
            : of.values;
  const left = by === 'rest' || chooses || operator === 'count_values' ? undefined : (by ?? []);
  return {
    ...rest,
    type: 'vector',
    values,
    mayBeNaN: given.some(({ mayBeNaN }) => mayBeNaN) && !['count', 'group'].includes(operator),
    ...(rawCounter && !['count', 'group', 'count_values'].includes(operator) ? { rawCounter } : {}),
    ...(left ? { labels: left } : {}),
  };
}

const comparisons = new Set(['==', '!=', '<', '>', '<=', '>=']);
const sets = new Set(['and', 'or', 'unless']);

function ofBinary(part: Of<'binary'>, position: Position, on: Walk): Meaning {
  const { operator } = part;
  // What stands behind `and` and `unless` decides whether there is a value, and never which.
  const chooses = operator === 'and' || operator === 'unless';
  const inside = position === 'divisor' ? 'value' : position;
  const left = walk(part.left, inside, on);
  const right = walk(part.right, chooses ? 'condition' : guards(part) ? 'divisor' : inside, on);
  if ([left, right].some(({ type }) => type === 'range' || type === 'text')) {
    on.refuse('type', part, `\`${operator}\` wants instant vectors or numbers on both sides`);
    return nothing;
  }
  if (operator === '</' || operator === '>/')
    on.refuse('experimental', part, `\`${operator}\` stands behind a feature flag of Prometheus and is not judged by`);
  if (part.fills)
    on.refuse(
      'invented-zero',
      part,
      '`fill` makes up what the other side lacks, so no data looks like a value. Leave it away',
    );
  if (sets.has(operator)) {
    if (left.type !== 'vector' || right.type !== 'vector')
      on.refuse('type', part, `\`${operator}\` wants instant vectors on both sides, not numbers`);
    return operator === 'or' ? ofOr(part, left, right) : ofChoice(part, left, right, on);
  }
  const both = joined(part, left, right);
  if (comparisons.has(operator)) return ofComparison(part, left, right, both, position, on);
  const divides = operator === '/' || operator === '%';
  return {
    ...both,
    values:
      plain(part.left, on.text) === plain(part.right, on.text) && (operator === '-' || operator === '/')
        ? operator === '-'
          ? [0, 0]
          : [1, 1]
        : arithmetic(operator, left.values, right.values),
    mayBeNaN: both.mayBeNaN || (divides && !guards(part) && !(right.values[0] > 0 || right.values[1] < 0)),
  };
}

/** `x / (y > 0)`: no value where there is nothing to divide by, instead of NaN. */
function guards({ operator, right }: Of<'binary'>): boolean {
  return (
    (operator === '/' || operator === '%') &&
    right.kind === 'binary' &&
    !right.bool &&
    (right.operator === '>' || right.operator === '!=') &&
    right.right.kind === 'number' &&
    right.right.value === 0
  );
}

/** Both sides are needed for a value. */
function joined(part: Of<'binary'>, left: Meaning, right: Meaning): Meaning {
  const rawCounter = left.rawCounter ?? right.rawCounter;
  const labels = labelsOf(part, left, right);
  return {
    type: left.type === 'vector' || right.type === 'vector' ? 'vector' : 'scalar',
    values: any,
    grounded: left.grounded || right.grounded,
    requires: union(left.requires, right.requires),
    reads: union(left.reads, right.reads),
    invented: [...left.invented, ...right.invented],
    mayBeNaN: left.mayBeNaN || right.mayBeNaN,
    counts: left.counts || right.counts,
    ...(rawCounter ? { rawCounter } : {}),
    ...(labels ? { labels } : {}),
    ...(left.shifted || right.shifted ? { shifted: true } : {}),
  };
}

function labelsOf(part: Of<'binary'>, left: Meaning, right: Meaning): readonly string[] | undefined {
  if (right.type === 'scalar') return left.labels;
  if (left.type === 'scalar') return right.labels;
  if (part.many) return undefined;
  return part.on ?? left.labels ?? right.labels;
}

function ofComparison(
  part: Of<'binary'>,
  left: Meaning,
  right: Meaning,
  both: Meaning,
  position: Position,
  on: Walk,
): Meaning {
  const { operator, bool } = part;
  const told = on.text.slice(part.from, part.to);
  if (bool) {
    if (both.mayBeNaN && position === 'value')
      on.refuse(
        'nan-hidden',
        part,
        `what \`bool\` compares may be NaN, and a comparison makes a plain 0 or 1 of that. Judge the value itself by the objective's bound, or divide by \`(… > 0)\``,
      );
    const { rawCounter: _, ...rest } = both;
    return { ...rest, values: [0, 1], mayBeNaN: false };
  }
  if (both.type === 'scalar') {
    on.refuse('type', part, `numbers are compared with \`bool\`: \`${operator} bool\``);
    return both;
  }
  const of = left.type === 'vector' ? left : right;
  const bound = left.type === 'vector' ? right.values : left.values;
  const kept = left.type === 'vector' || operator === '==' || operator === '!=' ? operator : turned[operator];
  const values: Values =
    right.type === 'vector' && left.type === 'vector'
      ? of.values
      : kept === '=='
        ? bound
        : kept === '>' || kept === '>='
          ? [Math.max(of.values[0], bound[0]), of.values[1]]
          : kept === '<' || kept === '<='
            ? [of.values[0], Math.min(of.values[1], bound[1])]
            : of.values;
  if (position === 'value')
    on.refuse(
      'filter',
      part,
      operator === '==' && values[0] === values[1]
        ? `\`${told}\` keeps a series only while it equals ${values[0]}: its value is ${values[0]} or there is none, so it can't be told from no data and never changes. Judge the value itself by the objective's bound, or compare with \`== bool\``
        : `\`${told}\` drops what does not compare, so what it leaves away can't be told from no data. Judge the value itself by the objective's bound, or compare with \`${operator} bool\`; a condition belongs behind \`and\``,
    );
  return { ...both, values };
}
const turned: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };

/** `and`, `unless`: what is on the left, or nothing. */
function ofChoice(part: Of<'binary'>, left: Meaning, right: Meaning, on: Walk): Meaning {
  const text = plain(part.left, on.text);
  if (part.operator === 'unless' && plain(part.right, on.text) === text)
    on.refuse('filter', part, 'it takes itself away, so there is never a value');
  for (const condition of comparisonsIn(part.right))
    if (!condition.bool && [condition.left, condition.right].some((side) => plain(side, on.text) === text))
      on.refuse(
        'filter',
        part,
        `its own value decides whether there is one: \`${on.text.slice(condition.from, condition.to)}\` leaves away what the bound is to judge. Leave the condition away`,
      );
  for (const condition of comparisonsIn(part.right))
    if (condition.bool)
      on.refuse(
        'filter',
        condition,
        'with `bool` a comparison always has a value, 0 or 1, so the condition always holds. Leave `bool` away here',
      );
  const needs = part.operator === 'and';
  return {
    ...left,
    grounded: left.grounded || (needs && right.grounded),
    requires: needs ? union(left.requires, right.requires) : left.requires,
  };
}

/** The comparisons that decide whether a condition holds. */
function comparisonsIn(part: Expression): readonly Of<'binary'>[] {
  if (part.kind !== 'binary') return [];
  if (comparisons.has(part.operator)) return [part];
  return sets.has(part.operator) ? [...comparisonsIn(part.left), ...comparisonsIn(part.right)] : [];
}

function ofOr(part: Of<'binary'>, left: Meaning, right: Meaning): Meaning {
  const filled = !right.grounded ? left : !left.grounded ? right : undefined;
  const { labels: _, ...both } = joined(part, left, right);
  return {
    ...both,
    values: [Math.min(left.values[0], right.values[0]), Math.max(left.values[1], right.values[1])],
    grounded: left.grounded && right.grounded,
    requires: new Set([...left.requires].filter((name) => right.requires.has(name))),
    invented: [
      ...left.invented,
      ...right.invented,
      ...(filled?.grounded ? [{ place: part as Expression, of: filled.reads }] : []),
    ],
    ...(left.labels?.length === 0 && right.labels?.length === 0 ? { labels: [] } : {}),
  };
}

function arithmetic(operator: string, [a, b]: Values, [c, d]: Values): Values {
  const hull = (...all: readonly number[]): Values =>
    all.some(Number.isNaN) ? any : [Math.min(...all), Math.max(...all)];
  switch (operator) {
    case '+':
      return hull(a + c, b + d);
    case '-':
      return hull(a - d, b - c);
    case '*':
      if ((a === 0 && b === 0) || (c === 0 && d === 0)) return [0, 0];
      return hull(a * c, a * d, b * c, b * d);
    case '/':
      if (c > 0 || d < 0) return hull(a / c, a / d, b / c, b / d);
      return a >= 0 && c >= 0 ? [0, any[1]] : any;
    default:
      return any;
  }
}

const clamped = ([least, most]: Values, min = any[0], max = any[1]): Values => [
  Math.min(Math.max(least, min), max),
  Math.max(Math.min(most, max), min),
];

const union = (a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> => new Set([...a, ...b]);

/** Layout and brackets around the whole are not meaning. */
const plain = ({ from, to }: Expression, text: string): string => text.slice(from, to).replace(/\s+/g, '');

function boundText({ min, max }: PromqlUse): string {
  const texts = [...(min === undefined ? [] : [`≥ ${min}`]), ...(max === undefined ? [] : [`≤ ${max}`])];
  return texts.join(' and ');
}

function betweenText([least, most]: Values): string {
  if (least === most) return `at ${least}`;
  if (most === Number.POSITIVE_INFINITY) return `at ${least} or above`;
  return least === Number.NEGATIVE_INFINITY ? `at ${most} or below` : `between ${least} and ${most}`;
}
