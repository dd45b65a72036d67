// Which pods a label selector of the Kubernetes API selects: a NetworkPolicy names its pods by one.

export interface LabelSelector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

type Labels = Readonly<Record<string, string>>;

/** An empty selector selects everything. */
export function matches(labels: Labels, { matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean {
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      if (operator === 'In') return value !== undefined && values.includes(value);
      // Selects what has no such label, too.
      if (operator === 'NotIn') return value === undefined || !values.includes(value);
      throw new Error(`a label selector with the operator ${operator}, which is not known here`);
    })
  );
}

/** `key=value[,key=value]` as labels; undefined for the other forms that kubectl takes. */
export function labelsOfSelector(selector: string): Record<string, string> | undefined {
  const parts = selector.split(',').map((part) => /^\s*([^\s=!]+)\s*==?\s*([^\s=!]+)\s*$/.exec(part));
  if (parts.some((part) => part === null)) return undefined;
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', part?.[2] ?? '']));
}
