// A database with nothing but bookings in it: one Galera node whose stock is what its documents moved, asked by the queries of the ledger
// reader. It can lose what it had acknowledged.
import type { Write } from '../../lib/model/evidence.ts';
import type { Reach, SqlRow } from '../../lib/model/reach.ts';
import { documentsQuery, movedQuery, stockQuery } from '../../lib/probes/ledger-readback.ts';
import { answerSnapshot } from './snapshot.ts';

export interface FakeBooks {
  readonly sql: Pick<Reach['sql'], 'nodes' | 'query' | 'snapshot'>;
  /** Stored at once. */
  book(write: Write): void;
  lose(marker: string): void;
  readonly markers: readonly string[];
}

const atFirst = 1_000;

export function fakeBooks(markerField: string, items: readonly string[], warehouse: string): FakeBooks {
  let stored: Write[] = [];
  const sum = (writes: readonly Write[], item: string) =>
    writes.flatMap(({ lines }) => lines).reduce((all, line) => all + (line.item === item ? line.qty : 0), 0);

  function answer(sql: string, values: readonly (string | number)[] = []): readonly SqlRow[] {
    if (sql === stockQuery)
      return items.map((item) => {
        const stock = atFirst + sum(stored, item);
        return { item, ledger_sum: stock, bin: stock, last_running: stock, running_min: 0 };
      });
    const pattern = String(values.at(-1));
    if (!pattern.endsWith('-%')) throw new Error(`not a prefix: ${pattern}`);
    const own = stored.filter(({ marker }) => marker.startsWith(pattern.slice(0, -1)));
    if (sql === documentsQuery(markerField))
      return own.flatMap(({ marker, lines }) =>
        lines.map((line) => ({ marker, name: `MAT-${marker}`, docstatus: 1, ...line })),
      );
    if (sql !== movedQuery(markerField)) return [{ version: '10.11' }];
    const [from = 0, number = 0] = values.map(Number);
    return [-1, 0, 1].flatMap((side) =>
      items.flatMap((item) => {
        const those = own.filter(
          ({ marker, lines }) =>
            Math.sign(Number.parseInt(marker.slice(from - 1), 10) - number) === side &&
            lines.some((line) => line.item === item),
        );
        return those.length === 0 ? [] : [{ side, item, warehouse, qty: sum(those, item), documents: those.length }];
      }),
    );
  }

  return {
    sql: {
      nodes: async () => ['galera-0'],
      query: async (_, sql, values) =>
        sql.startsWith('SELECT VERSION') ? [{ version: '10.11' }] : answer(sql, values),
      snapshot: (_, queries) => answerSnapshot(queries, ({ sql, values }) => answer(sql, values)),
    },
    book(write) {
      stored.push(write);
    },
    lose(marker) {
      stored = stored.filter((write) => write.marker !== marker);
    },
    get markers() {
      return stored.map(({ marker }) => marker);
    },
  };
}
