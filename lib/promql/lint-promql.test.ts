import { describe, expect, test } from 'vitest';
import { lintPromql, type PromqlRule, type PromqlUse } from './lint-promql.ts';

const requests = 'http_requests_total{job="web"}';
const upTo = (max: number): PromqlUse => ({ max, scrapeIntervalMs: 5_000 });
const atLeast = (min: number): PromqlUse => ({ min, scrapeIntervalMs: 5_000 });

type Case = readonly [query: string, use: PromqlUse, rule: PromqlRule, why: string];

const refused: readonly Case[] = [
  // krkn documents the first as an objective; etcd's is one that it ships.
  ['up{job="payment-service"} == 0', upTo(0), 'filter', 'equals 0'],
  ['up{job="payment-service"} == 0', upTo(0), 'no-failure', 'at 0 whatever happens'],
  ['etcd_server_has_leader == 0', upTo(0), 'filter', "can't be told from no data"],
  ['latency_seconds{job="web"} > 0.5', upTo(0.5), 'filter', 'drops what does not compare'],
  ['latency_seconds{job="web"} < 10', upTo(0.5), 'filter', 'drops what does not compare'],
  ['0 == up{job="web"}', upTo(0), 'filter', 'equals 0'],
  ['count(up{job="web"} == 0)', upTo(0), 'filter', 'equals 0'],
  ['sum(x{a="b"} != 3)', upTo(0), 'filter', 'drops'],
  ['x{a="b"} > y{a="b"}', upTo(0), 'filter', 'drops'],
  ['x{a="b"} and (x{a="b"} < 10)', upTo(5), 'filter', 'its own value decides'],
  ['x{a="b"} unless (10 < x{ a = "b" })', upTo(5), 'filter', 'its own value decides'],
  ['x{a="b"} unless x{a="b"}', upTo(5), 'filter', 'takes itself away'],
  ['max(x) and (count(y) > bool 2)', upTo(5), 'filter', 'always holds'],
  ['max(x) / (sum(y < 5) > 0)', upTo(5), 'filter', 'drops'],
  ['max(x) / (sum(y) > 5)', upTo(5), 'filter', 'drops'],

  ['absent(up{job="web"})', upTo(0), 'absent', 'because there is no data'],
  ['absent_over_time(up{job="web"}[1m])', upTo(0), 'absent', 'because there is no data'],
  ['max(x) and on() absent(y)', upTo(0), 'absent', 'because there is no data'],

  ['sum(rate(errors_total{job="a"}[20s])) or vector(0)', upTo(0), 'invented-zero', 'without any data'],
  ['up{job="a"} or on() vector(0)', atLeast(1), 'invented-zero', 'without any data'],
  ['vector(0) or sum(x)', upTo(0), 'invented-zero', 'without any data'],
  ['max(x or vector(0))', upTo(3), 'invented-zero', 'without any data'],
  ['1 - (sum(x) or vector(0))', upTo(3), 'invented-zero', 'without any data'],
  ['sum(x) or vector(time())', upTo(3), 'invented-zero', 'without any data'],
  ['max(ALERTS{alertname="A"}) or vector(0)', upTo(0), 'invented-zero', 'without any data'],
  [
    '(sum(rate(erors_total[20s])) or vector(0)) / (sum(rate(requests_total[20s])) > 0)',
    upTo(0.01),
    'invented-zero',
    'erors_total',
  ],
  ['sum(a) + fill(0) sum(b)', upTo(3), 'invented-zero', 'makes up'],

  ['vector(1)', upTo(3), 'constant', 'reads no series'],
  ['1', upTo(3), 'constant', 'reads no series'],
  ['2 * pi()', upTo(3), 'constant', 'reads no series'],
  ['vector(0) or vector(1)', upTo(3), 'constant', 'reads no series'],
  ['time()', upTo(3), 'constant', 'reads no series'],
  ['hour()', upTo(3), 'constant', 'reads no series'],
  ['max(x offset 5m)', upTo(3), 'constant', 'before it'],
  ['max(x) or max(x offset 5m)', upTo(3), 'invented-zero', 'fills in'],

  ['clamp_max(max(x), 5)', upTo(5), 'no-failure', 'at 5 or below'],
  ['clamp(max(x), 0, 1)', upTo(1), 'no-failure', 'between 0 and 1'],
  ['clamp_min(max(x), 3)', atLeast(3), 'no-failure', 'at 3 or above'],
  ['count(up{job="web"})', atLeast(1), 'no-failure', 'at 1 or above'],
  ['sum(rate(errors_total[20s]))', atLeast(0), 'no-failure', 'at 0 or above'],
  ['max(up{job="web"})', upTo(1), 'no-failure', 'between 0 and 1'],
  ['max(x > bool 5)', upTo(1), 'no-failure', 'between 0 and 1'],
  ['max(x) - max(x)', upTo(0), 'no-failure', 'at 0'],
  ['sum(x) / sum(x)', upTo(1), 'no-failure', 'at 1'],
  ['0 * sum(x)', upTo(0), 'no-failure', 'at 0'],
  ['abs(max(x))', atLeast(0), 'no-failure', 'at 0 or above'],
  ['max(ALERTS{alertname="A"})', atLeast(1), 'no-failure', 'at 1'],
  ['-clamp_min(max(x), 2)', upTo(-2), 'no-failure', 'at -2 or below'],
  ['max(up{job="web"})', atLeast(2), 'no-pass', 'never kept'],
  ['count(x)', upTo(0), 'no-pass', 'never kept'],
  ['max(ALERTS{alertname="A"})', upTo(0), 'no-pass', 'never kept'],

  ['(sum(rate(a_total[20s])) / sum(rate(b_total[20s]))) > bool 0.01', upTo(0), 'nan-hidden', 'NaN'],
  ['histogram_quantile(0.9, sum by (le) (rate(a_bucket[20s]))) > bool 1', upTo(0), 'nan-hidden', 'NaN'],

  ['{job="web"}', upTo(3), 'selector', 'names no series'],
  ['{__name__=~".+"}', upTo(3), 'selector', 'names no series'],
  ['min(up)', atLeast(1), 'selector', 'every scrape target'],
  ['min(up{})', atLeast(1), 'selector', 'every scrape target'],
  ['min(up{job=~".*"})', atLeast(1), 'selector', 'every scrape target'],
  ['max(process_resident_memory_bytes)', upTo(3), 'selector', 'every scrape target'],
  ['max(x{job=~".*"})', upTo(3), 'matcher', 'matches everything'],
  ['max(x{job=~"(?s)(.*|web)"})', upTo(3), 'matcher', 'matches everything'],
  ['max(x{job!~".*"})', upTo(3), 'matcher', 'matches nothing'],

  [`sum(rate(${requests}[15s]))`, upTo(3), 'range', 'Take 20 s at least'],
  [`sum(increase(${requests}[5s] offset 1m)) + max(y)`, upTo(3), 'range', 'Take 20 s at least'],
  ['max(delta(queue_depth[10s]))', upTo(3), 'range', 'Take 20 s at least'],
  ['max(rate(x[30s:10s]))', upTo(3), 'range', 'Take 40 s at least'],
  ['max(avg_over_time(queue_depth[2s]))', upTo(3), 'range', 'Take 5 s at least'],

  ['max(rate(queue_depth[1m]))', upTo(3), 'gauge', 'no counter'],
  ['max(increase(up{job="web"}[1m]))', upTo(3), 'gauge', 'no counter'],
  ['max(rate(workshop:errors:rate20s[1m]))', upTo(3), 'gauge', 'recorded'],

  [`sum(${requests})`, upTo(3), 'counter', 'since its process began'],
  [`max(${requests} / 60)`, upTo(3), 'counter', 'since its process began'],
  ['histogram_quantile(0.95, sum by (le) (a_bucket))', upTo(3), 'counter', 'since its process began'],
  [`max(max_over_time(${requests}[1m]))`, upTo(3), 'counter', 'since its process began'],
  [`sum(delta(${requests}[1m]))`, upTo(3), 'counter', 'falls when its process starts anew'],
  [`rate(sum(${requests})[1m:5s])`, upTo(3), 'counter', 'Take the rate first'],

  ['max(x @ 1700000000)', upTo(3), 'moment', 'one moment'],
  ['max(x @ end())', upTo(3), 'moment', 'one moment'],
  ['max(last_over_time(x[5m]))', upTo(3), 'moment', 'a gap does not show'],

  ['rate(up{job="web"})', upTo(3), 'type', 'wants a range of time'],
  ['sum(x[1m])', upTo(3), 'type', 'wants an instant vector'],
  ['x[1m]', upTo(3), 'type', 'range of time'],
  ['"text"', upTo(3), 'type', 'text'],
  ['max(x) and 1', upTo(3), 'type', 'not numbers'],
  ['1 > 2', upTo(3), 'type', 'with `bool`'],
  ['clamp(max(x), 1)', upTo(3), 'type', '3 arguments and is given 2'],
  ['rate(sum(x)[1m])', upTo(3), 'type', "can't be taken over a range"],
  ['-"text"', upTo(3), 'type', "can't be negated"],
  ['max(x[1m] + 1)', upTo(3), 'type', 'on both sides'],
  ['max(x anchored)', upTo(3), 'experimental', 'feature flag'],
  ['x </ 3', upTo(3), 'experimental', 'feature flag'],

  ['', upTo(3), 'syntax', 'empty'],
  ['   ', upTo(3), 'syntax', 'empty'],
  ['sum(x', upTo(3), 'syntax', 'missing at its end'],
  ['sum(x))', upTo(3), 'syntax', 'not understood'],
  ['foo bar', upTo(3), 'syntax', '`bar` is not understood'],
  ['nonsense(x)', upTo(3), 'syntax', 'not understood'],
  ['x{a="b"', upTo(3), 'syntax', 'missing at its end'],
  [`max(x) + ${'1 + '.repeat(2_000)}1`, upTo(3), 'syntax', 'longer than'],
  [`${'('.repeat(1_900)}x${')'.repeat(1_899)}`, upTo(3), 'syntax', 'missing'],
];

const accepted: readonly (readonly [query: string, use: PromqlUse])[] = [
  ['min(up{job="payment-service"})', atLeast(1)],
  ['sum(up{job="web"} == bool 0)', upTo(0)],
  ['count(up{job="web"})', atLeast(3)],
  ['min(size) and (count(size) == 3) and (sum(mysql_up) == 3)', atLeast(3)],
  ['(sum(rate(r_count{status=~"5.."}[20s])) or vector(0)) / (sum(rate(r_count[20s])) > 0)', upTo(0.01)],
  // 0/0 is NaN, and the judge can't tell from NaN.
  ['sum(rate(r_count{status=~"5.."}[20s])) / sum(rate(r_count[20s]))', upTo(0.01)],
  ['histogram_quantile(0.95, sum by (le) (rate(r_bucket[20s]))) and (sum(rate(r_count[20s])) > 0)', upTo(0.5)],
  ['(max(ALERTS{alertname="A",alertstate="firing"}) or vector(0)) and (count(probe_success{job="a"}) > 0)', upTo(0)],
  ['(max(ALERTS{alertname="A"}) or vector(0)) and (count(probe_success{job="a"}) > 0)', atLeast(1)],
  ['max(a) or max(b)', upTo(3)],
  ['max(x) unless on() (maintenance == 1)', upTo(3)],
  ['max(x) / (sum(y) != 0)', upTo(3)],
  ['clamp_min(max(x), 0)', upTo(5)],
  ['clamp_max(max(x), 5)', atLeast(3)],
  ['max(x) - max(x offset 1m)', upTo(3)],
  ['max(x{pod=~"web-.*"})', upTo(3)],
  ['max(x{pod=~".+"})', upTo(3)],
  ['max(x{pod!~"web-.*"})', upTo(3)],
  ['max(x{pod=~"(?P<n>a)"})', upTo(3)],
  ['max({"a.name", job="web"})', upTo(3)],
  ['max({__name__="x"})', upTo(3)],
  ['sum(rate(requests_total[1m])) # of all', upTo(3)],
  ['# of all\nsum(rate(requests_total[1m]))', upTo(3)],
  ['sum by (job) (rate(requests_total{job="a"}[1m]))', upTo(3)],
  ['SUM(x) AND (COUNT(x) > 2)', upTo(3)],
  ['max(time() - certificate_renewed_timestamp_seconds)', upTo(60)],
  ['max(changes(requests_total[1m])) + max(resets(requests_total[1m]))', upTo(3)],
  ['count(requests_total) - 3', upTo(0)],
  ['max(scalar(max(x)) * y)', upTo(3)],
  ['quantile(0.9, x)', upTo(3)],
  ['topk(1, x)', upTo(3)],
  ['max(predict_linear(free_bytes[1m], 3600))', atLeast(1)],
  ['max(1 - (free / total))', upTo(0.9)],
];

describe('refused', () => {
  test.each(refused)('%s', (query, use, rule, why) => {
    const { mistakes } = lintPromql(query, use);
    expect(mistakes.filter((one) => one.rule === rule).map(({ says }) => says)).toEqual(
      expect.arrayContaining([expect.stringContaining(why)]),
    );
    for (const { from, to } of mistakes) {
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(query.length);
      expect(to).toBeGreaterThanOrEqual(from);
    }
  });

  test('every rule is in the table', () => {
    const rules: Readonly<Record<PromqlRule, true>> = {
      syntax: true,
      type: true,
      experimental: true,
      filter: true,
      absent: true,
      'invented-zero': true,
      constant: true,
      'no-failure': true,
      'no-pass': true,
      'nan-hidden': true,
      selector: true,
      matcher: true,
      range: true,
      gauge: true,
      counter: true,
      moment: true,
    };
    expect(new Set(refused.map(([, , rule]) => rule))).toEqual(new Set(Object.keys(rules)));
  });

  test('each mistake stands where it is made, and all are told', () => {
    const query = 'min(up) + absent(y{a=~".*"})';
    const at = (part: string) => query.indexOf(part);
    expect(lintPromql(query, upTo(1.5)).mistakes.map(({ rule, from }) => [rule, from])).toEqual([
      ['selector', at('up')],
      ['absent', at('absent')],
      ['matcher', at('y{')],
    ]);
  });

  test('a syntax mistake is told once, with its place', () => {
    expect(lintPromql('sum(rate(x[20s]) by (job)').mistakes).toEqual([
      expect.objectContaining({ rule: 'syntax', from: 17, says: '`by` is not understood' }),
    ]);
    expect(lintPromql('a ==== 3').mistakes).toEqual([expect.objectContaining({ rule: 'syntax', from: 4 })]);
  });

  test('a range is judged by the scrapes only where it is known how often they are', () => {
    expect(lintPromql('sum(rate(x_total[4s]))', { max: 3 }).mistakes).toEqual([]);
    expect(lintPromql('sum(rate(x_total[1m]))', { max: 3, scrapeIntervalMs: 15_000 }).mistakes).toEqual([]);
    expect(lintPromql('sum(rate(x_total[59s]))', { max: 3, scrapeIntervalMs: 15_000 }).mistakes).toHaveLength(1);
    expect(lintPromql('sum(rate(x_total[60]))', { max: 3, scrapeIntervalMs: 15_000 }).mistakes).toEqual([]);
  });
});

describe('accepted', () => {
  test.each(accepted)('%s', (query, use) => {
    expect(lintPromql(query, use).mistakes).toEqual([]);
  });
});

test.each([
  ['sum(x)', true],
  ['sum by () (x)', true],
  ['sum by (job) (x)', false],
  ['sum without (job) (x)', false],
  ['x', false],
  ['topk(1, x)', false],
  ['histogram_quantile(0.9, sum by (le) (rate(x_bucket[1m])))', true],
  ['histogram_quantile(0.9, sum by (le, job) (rate(x_bucket[1m])))', false],
  ['sum(x) / sum(y)', true],
  ['sum(x) / on () y', true],
  ['sum(x) or vector(0)', true],
  ['sum(x) or y', false],
  ['x * 2', false],
  ['2 * max(x)', true],
  ['x * on (job) group_left () y', false],
  ['scalar(x)', true],
  ['max(x) and y', true],
  ['x and max(y)', false],
])('%s: one series at most is %s', (query, single) => {
  expect(lintPromql(query).single).toBe(single);
});
