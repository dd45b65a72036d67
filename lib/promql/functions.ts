// What each function of PromQL takes, and between which values its answer lies when that does not hang on what it is given.
// A function that is not here is one that Prometheus learned later: it is refused until somebody has thought about it.

/** `v` an instant vector, `m` a range of time, `s` a number, `t` a text; `?` may be left out, `*` any number of them. */
export type Argument = 'v' | 'm' | 's' | 't' | 'v?' | 's?' | 't*' | 's*';

export interface PromqlFunction {
  readonly takes: readonly Argument[];
  readonly gives: 'vector' | 'scalar';
  /** Least and most of what it can answer; absent: `same` as its vector, or not known. */
  readonly between?: readonly [number, number] | 'same';
}

const any = Number.POSITIVE_INFINITY;
const functions = new Map<string, PromqlFunction>();
function add(
  names: string,
  takes: string,
  between?: PromqlFunction['between'],
  gives: PromqlFunction['gives'] = 'vector',
) {
  const list = takes.split(' ').filter((one) => one !== '') as Argument[];
  for (const name of names.split(' ')) functions.set(name, { takes: list, gives, ...(between ? { between } : {}) });
}

add('rate irate increase changes resets', 'm', [0, any]);
add('delta idelta deriv sum_over_time', 'm');
add('avg_over_time min_over_time max_over_time last_over_time first_over_time', 'm', 'same');
add('count_over_time', 'm', [1, any]);
add('present_over_time absent_over_time', 'm', [1, 1]);
add('stddev_over_time stdvar_over_time mad_over_time', 'm', [0, any]);
add('ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', 'm', [0, any]);
add('quantile_over_time', 's m', 'same');
add('predict_linear', 'm s');
add('double_exponential_smoothing', 'm s s');

add('absent', 'v', [1, 1]);
add('abs sqrt exp timestamp', 'v', [0, any]);
add('sgn sin cos tanh', 'v', [-1, 1]);
add('ln log2 log10 sinh cosh tan asin acos atan asinh acosh atanh deg rad ceil floor', 'v');
add('round', 'v s?');
add('clamp', 'v s s', 'same');
add('clamp_min clamp_max', 'v s', 'same');
add('sort sort_desc', 'v', 'same');
add('sort_by_label sort_by_label_desc', 'v t*', 'same');
add('label_replace', 'v t t t t', 'same');
add('label_join', 'v t t t*', 'same');
add('info', 'v v?', 'same');
add('minute', 'v?', [0, 59]);
add('hour', 'v?', [0, 23]);
add('day_of_week', 'v?', [0, 6]);
add('day_of_month days_in_month', 'v?', [1, 31]);
add('day_of_year', 'v?', [1, 366]);
add('month', 'v?', [1, 12]);
add('year', 'v?');
add('start_timestamp', 'v', [0, any]);
add('histogram_quantile', 's v');
add('histogram_quantiles', 'v t s*');
add('histogram_fraction', 's s v', [0, 1]);
add('histogram_count', 'v', [0, any]);
add('histogram_sum histogram_avg', 'v');
add('histogram_stddev histogram_stdvar', 'v', [0, any]);

add('scalar', 'v', 'same', 'scalar');
add('vector', 's', 'same');
add('pi', '', [Math.PI, Math.PI], 'scalar');
add('time start end range step', '', [0, any], 'scalar');

export const promqlFunctions: ReadonlyMap<string, PromqlFunction> = functions;

/** They compare the ends of a range, so they need several scrapes in it. */
export const ratesOf: ReadonlySet<string> = new Set(['rate', 'irate', 'increase']);
/** The same for what goes up and down. */
export const slopesOf: ReadonlySet<string> = new Set([
  'delta',
  'idelta',
  'deriv',
  'predict_linear',
  'double_exponential_smoothing',
]);

/** Aggregations; those with an argument before the vector say which. */
export const aggregations: ReadonlyMap<string, Argument | undefined> = new Map<string, Argument | undefined>([
  ...['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar'].map((name) => [name, undefined] as const),
  ...['topk', 'bottomk', 'quantile', 'limitk', 'limit_ratio'].map((name) => [name, 's'] as const),
  ['count_values', 't'],
]);
