// The HTTP exchanges of one write, as k6 saw them: which pod answered, and on which database member it wrote, where the site tells. They go
// as one plain text into the metadata of the write's sample (metadata makes no time series), without a character that JSON would escape.

export interface Exchange {
  /** Epoch milliseconds at which it was sent. */
  readonly at: number;
  readonly method: string;
  /** 0 when there was no answer. */
  readonly status: number;
  readonly durationMs: number;
  /** Answer header `X-Served-By`: the pod's name, or what a proxy put there. */
  readonly servedBy?: string;
  /** Answer header `X-Database-Member`: the server, or servers, on which the app wrote. */
  readonly member?: string;
  /** Opened for this very request, or kept from an earlier one of the same virtual user. */
  readonly connection?: 'opened' | 'kept';
  /** Address and port of the other end. */
  readonly remote?: string;
}

/** Of whose samples this text is: names of answer headers as Go writes them, which is what k6 hands out. */
export const exchangeHeaders = { servedBy: 'X-Served-By', member: 'X-Database-Member' } as const;

/** `POST 200 1795462318922 32 web-1 galera-1 kept 198.18.0.3:443; PUT …`; a dash stands for what is not known. */
export const exchangesText = (exchanges: readonly Exchange[]): string =>
  exchanges
    .map(({ method, status, at, durationMs, servedBy, member, connection, remote }) =>
      [method, status, at, durationMs, servedBy, member, connection, remote].map(word).join(' '),
    )
    .join('; ');

/** What is not understood is left out: it is told by nobody else, and nothing is judged by it. */
export function exchangesIn(text: string): readonly Exchange[] {
  return text.split('; ').flatMap((one) => {
    const [method, status, at, durationMs, servedBy, member, connection, remote] = one.split(' ');
    const numbers = [status, at, durationMs].map(Number);
    if (!method || remote === undefined || !numbers.every(Number.isFinite)) return [];
    return {
      at: Number(at),
      method,
      status: Number(status),
      durationMs: Number(durationMs),
      ...known('servedBy', servedBy),
      ...known('member', member),
      ...(connection === 'opened' || connection === 'kept' ? { connection } : {}),
      ...known('remote', remote),
    };
  });
}

const known = <K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> =>
  value === undefined || value === '-' ? {} : ({ [key]: value } as Record<K, string>);

/** What a site says of itself is anything; it must neither end a word nor want an escape. */
const word = (value: string | number | undefined): string =>
  String(value ?? '')
    .replace(/[^A-Za-z0-9._:/@,[\]-]+/g, '_')
    .slice(0, 120) || '-';
