// PromQL → a small tree of our own, by Prometheus' own grammar, so that what is asked of an expression does not hang on the parser's nodes.
// Brackets vanish; where each part stands in the text is kept, for mistakes are told with their place.
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

interface Place {
  /** Characters of the text, from 0; the end is excluded. */
  readonly from: number;
  readonly to: number;
}

export interface Matcher {
  readonly label: string;
  readonly operator: '=' | '!=' | '=~' | '!~';
  readonly value: string;
}

export type Expression = Place &
  (
    | { readonly kind: 'number'; readonly value: number }
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'selector'; readonly name?: string; readonly matchers: readonly Matcher[] }
    /** `of[range]` and `of[range:step]`. Undefined where Prometheus itself has to work a duration out. */
    | {
        readonly kind: 'range' | 'subquery';
        readonly of: Expression;
        readonly rangeMs?: number;
        readonly stepMs?: number;
      }
    | { readonly kind: 'shifted'; readonly how: 'offset' | '@'; readonly of: Expression }
    | { readonly kind: 'negated'; readonly of: Expression }
    | { readonly kind: 'call'; readonly function: string; readonly arguments: readonly Expression[] }
    /** `by` undefined: one series in all. `without` is told as `by: 'rest'`, for nobody knows what is left. */
    | {
        readonly kind: 'aggregation';
        readonly operator: string;
        readonly by?: readonly string[] | 'rest';
        readonly arguments: readonly Expression[];
      }
    | {
        readonly kind: 'binary';
        readonly operator: string;
        readonly bool: boolean;
        readonly on?: readonly string[];
        /** `group_left` or `group_right`: many series of one side meet one of the other. */
        readonly many: boolean;
        /** `fill(0)`: what the other side lacks is made up. */
        readonly fills: boolean;
        readonly left: Expression;
        readonly right: Expression;
      }
    /** Behind one of Prometheus' feature flags: `anchored`, `smoothed`, … */
    | { readonly kind: 'experimental'; readonly what: string; readonly of: Expression }
  );

export interface SyntaxMistake extends Place {
  readonly says: string;
}

/** The tree, or the first thing that could not be read: what follows it is the parser's guess. */
export function parsePromql(text: string): { readonly mistake: SyntaxMistake } | Expression {
  const tree = parser.parse(text);
  let mistake: SyntaxMistake | undefined;
  tree.iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) mistake ??= { from, to, says: syntaxText(text, from, to) };
    },
  });
  const [top] = children(tree.topNode);
  if (mistake) return { mistake };
  return top ? expressionOf(top, text) : { mistake: { from: 0, to: 0, says: 'it is empty' } };
}

export const isExpression = (parsed: ReturnType<typeof parsePromql>): parsed is Expression => !('mistake' in parsed);

function syntaxText(text: string, from: number, to: number): string {
  if (text.trim() === '') return 'it is empty';
  if (from >= text.trimEnd().length) return 'something is missing at its end: a bracket, a quote or an operand';
  return from === to
    ? `something is missing before \`${text.slice(from, from + 20)}\``
    : `\`${text.slice(from, Math.max(to, from + 1))}\` is not understood`;
}

function children(node: SyntaxNode): readonly SyntaxNode[] {
  const all: SyntaxNode[] = [];
  for (let child = node.firstChild; child; child = child.nextSibling) if (child.name !== 'LineComment') all.push(child);
  return all;
}

const named = (node: SyntaxNode, name: string): SyntaxNode | undefined =>
  children(node).find((child) => child.name === name);

function expressionOf(node: SyntaxNode, text: string): Expression {
  const place = { from: node.from, to: node.to };
  const parts = children(node);
  const textOf = (part: SyntaxNode | undefined) => (part ? text.slice(part.from, part.to) : '');
  const first = () => expressionOf(parts[0] as SyntaxNode, text);
  switch (node.name) {
    case 'NumberDurationLiteral':
      return { ...place, kind: 'number', value: numberOf(textOf(node)) };
    case 'StringLiteral':
      return { ...place, kind: 'string', value: unquoted(textOf(node)) };
    case 'VectorSelector':
      return { ...place, ...selectorOf(node, text) };
    case 'ParenExpr':
      return first();
    case 'MatrixSelector':
    case 'SubqueryExpr': {
      const [range, step] = parts.filter(({ name }) => name === 'DurationExpr').map((part) => msOf(textOf(part)));
      return {
        ...place,
        kind: node.name === 'SubqueryExpr' ? 'subquery' : 'range',
        of: first(),
        ...(range === undefined ? {} : { rangeMs: range }),
        ...(step === undefined ? {} : { stepMs: step }),
      };
    }
    case 'OffsetExpr':
      return { ...place, kind: 'shifted', how: 'offset', of: first() };
    case 'StepInvariantExpr':
      return { ...place, kind: 'shifted', how: '@', of: first() };
    case 'UnaryExpr': {
      const of = expressionOf(parts[1] as SyntaxNode, text);
      return textOf(parts[0]) === '-' ? { ...place, kind: 'negated', of } : of;
    }
    case 'FunctionCall':
      return { ...place, kind: 'call', function: textOf(parts[0]), arguments: argumentsOf(node, text) };
    case 'AggregateExpr': {
      const by = labelsAfter(named(node, 'AggregateModifier'), text);
      return {
        ...place,
        kind: 'aggregation',
        operator: textOf(parts[0]).toLowerCase(),
        ...(by ? { by } : {}),
        arguments: argumentsOf(node, text),
      };
    }
    case 'BinaryExpr': {
      const matching = named(node, 'MatchingModifierClause');
      const on = matching && named(matching, 'On') ? labelsIn(matching, text) : undefined;
      return {
        ...place,
        kind: 'binary',
        operator: textOf(parts[1]).toLowerCase(),
        bool: named(node, 'BoolModifier') !== undefined,
        ...(on ? { on } : {}),
        many: matching !== undefined && ['GroupLeft', 'GroupRight'].some((side) => named(matching, side)),
        fills: named(node, 'FillModifier') !== undefined,
        left: first(),
        right: expressionOf(parts.at(-1) as SyntaxNode, text),
      };
    }
    default:
      return { ...place, kind: 'experimental', what: node.name.replace('Expr', '').toLowerCase(), of: first() };
  }
}

function argumentsOf(node: SyntaxNode, text: string): readonly Expression[] {
  const body = named(node, 'FunctionCallBody');
  return body ? children(body).map((child) => expressionOf(child, text)) : [];
}

function selectorOf(node: SyntaxNode, text: string): { kind: 'selector'; name?: string; matchers: readonly Matcher[] } {
  const textOf = (part: SyntaxNode | undefined) => (part ? text.slice(part.from, part.to) : '');
  const identifier = named(node, 'Identifier');
  const list = named(node, 'LabelMatchers');
  let name = identifier ? textOf(identifier) : undefined;
  const matchers: Matcher[] = [];
  for (const part of list ? children(list) : []) {
    const [label, operator, value] = children(part);
    // {"a.name", …}: a name in quotes alone.
    if (part.name === 'QuotedLabelName') name = unquoted(textOf(part));
    else {
      const plain = textOf(label);
      const matcher = {
        label: label?.name === 'QuotedLabelName' ? unquoted(plain) : plain,
        operator: textOf(operator) as Matcher['operator'],
        value: unquoted(textOf(value)),
      };
      if (matcher.label === '__name__' && matcher.operator === '=') name = matcher.value;
      else matchers.push(matcher);
    }
  }
  return { kind: 'selector', ...(name ? { name } : {}), matchers };
}

/** As `by (le)` and `without (pod)` say them. */
function labelsAfter(modifier: SyntaxNode | undefined, text: string): readonly string[] | 'rest' | undefined {
  if (!modifier) return undefined;
  return named(modifier, 'By') ? labelsIn(modifier, text) : 'rest';
}

/** Of `on (a) group_left (b)` those of the first list. */
function labelsIn(node: SyntaxNode, text: string): readonly string[] {
  const list = named(node, 'GroupingLabels');
  return list ? children(list).map(({ from, to }) => unquoted(text.slice(from, to))) : [];
}

/** Escapes that nobody uses in a label's value stay as they are. */
function unquoted(text: string): string {
  const quote = text[0];
  if (quote !== '"' && quote !== "'" && quote !== '`') return text;
  const inner = text.slice(1, -1);
  return quote === '`' ? inner : inner.replace(/\\(.)/g, (_, character: string) => escaped[character] ?? character);
}
const escaped: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r' };

function numberOf(text: string): number {
  const plain = text.replaceAll('_', '').toLowerCase();
  const sign = plain.startsWith('-') ? -1 : 1;
  const bare = plain.replace(/^[-+]/, '');
  if (bare === 'inf') return sign * Number.POSITIVE_INFINITY;
  if (bare === 'nan') return Number.NaN;
  const ms = /^\d+(\.\d+)?(e[-+]?\d+)?$/.test(bare) ? undefined : msOf(bare);
  return sign * (ms === undefined ? Number(bare) : ms / 1000);
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** `1h30m`, or seconds as a number; undefined for a sum of durations, which Prometheus works out. */
function msOf(text: string): number | undefined {
  const plain = text.trim();
  if (/^\d+(\.\d+)?$/.test(plain)) return Number(plain) * 1000;
  if (!/^(\d+(ms|[ywdhms]))+$/.test(plain)) return undefined;
  return [...plain.matchAll(/(\d+)(ms|[ywdhms])/g)].reduce(
    (sum, [, number, unit]) => sum + Number(number) * (unitMs[unit as string] ?? 0),
    0,
  );
}
