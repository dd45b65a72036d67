// Reads back what the load wrote, on each Galera node by itself: the same rows read through a proxy would hide the node that differs.
// What is missing at first is looked for again for a while, since late is not lost. Judging is not done here.
import { messageOf } from '../errors.ts';
import type { FoundDocument, LedgerLine, MovedStock, StockLevel } from '../model/evidence.ts';
import type { Reach, SnapshotQuery, SqlRow } from '../model/reach.ts';
import { type SessionRun, sessionOf } from '../model/run-ids.ts';
import { type TextSet, textSet } from '../tables/text-set.ts';

type Reads = Pick<Reach, 'sql' | 'target' | 'runId' | 'now' | 'sleep'>;

const everyMs = 1_000;
/** A node that has applied nothing for this long after the load ended is not late any more. */
const missingMs = 10_000;
/** A node that was killed and is being started again gets longer to answer at all. */
const silentMs = 60_000;

/**
 * Stock of the target's warehouses before the run, on each Galera node, and what documents of the run's session had moved by then: the load
 * of the run before may still go on.
 */
export async function readStockBefore(reach: Reads): Promise<readonly LedgerLine[]> {
  const nodes = await reach.sql.nodes();
  return (await Promise.all(nodes.map((node) => readStock(reach, node, 'before', 0)))).flat();
}

/** Takes lines as they are read; called again once it is done with those before. */
export type KeepLines = (lines: readonly LedgerLine[]) => Promise<void>;

/**
 * Documents under the run's markers, in rounds: at once on every node, and every second again for 10 s on those that lack an acknowledged
 * marker, or one that another node has. With the last round, which reads every node, the stock, in the same transaction, for others may
 * go on booking. However many documents there are, none is held: they go to `keep` as they come.
 */
export async function readLedger(
  reach: Reads,
  { acknowledged = [], keep }: { readonly acknowledged?: Iterable<string>; readonly keep: KeepLines },
): Promise<void> {
  const nodes = await reach.sql.nodes();
  const wanted = textSet();
  for (const marker of acknowledged) wanted.add(marker);
  const put = inTurn(keep);
  const books = nodes.map((node): Book => ({ node, seen: textSet(), wanted, silent: false, put }));
  const began = reach.now();
  // Nearly always the first look finds all, and nothing has to be read twice.
  let stock = await Promise.all(books.map((book) => readWithStock(reach, book, 0)));
  let round = 0;
  for (;;) {
    const behind = books.filter(({ seen, silent }) => silent || seen.size < wanted.size);
    const patienceMs = behind.some(({ silent }) => silent) ? silentMs : missingMs;
    if (behind.length === 0 || reach.now() - began >= patienceMs) break;
    await reach.sleep(everyMs);
    round += 1;
    await Promise.all(behind.map((book) => readDocuments(reach, book, round, [])));
  }
  if (round > 0) stock = await Promise.all(books.map((book) => readWithStock(reach, book, round + 1)));
  await put(stock.flat());
}

/** One Galera node's, while it is read. */
interface Book {
  readonly node: string;
  /** Markers that it had in any round. */
  readonly seen: TextSet;
  /** Of all nodes: what was acknowledged, and what any of them has. */
  readonly wanted: TextSet;
  /** The last round could not read it to the end. */
  silent: boolean;
  readonly put: KeepLines;
}

/** Nodes are read side by side, and what they say goes to one file. */
function inTurn(keep: KeepLines): KeepLines {
  let last: Promise<void> = Promise.resolve();
  return (lines) => {
    last = last.then(() => keep(lines));
    return last;
  };
}

const readLine = (
  { node, round, at }: Pick<FoundDocument, 'node' | 'round' | 'at'>,
  what: Extract<LedgerLine, { kind: 'read' }>['what'],
  error?: string,
): LedgerLine => ({ kind: 'read', node, round, at, what, ...(error === undefined ? {} : { error }) });

async function readStock(
  reach: Reads,
  node: string,
  when: StockLevel['when'],
  round: number,
): Promise<readonly LedgerLine[]> {
  const stock = stockQueries(reach, node, when, round);
  try {
    return stock.linesOf(await reach.sql.snapshot(node, stock.queries));
  } catch (error) {
    return stock.failed(error);
  }
}

/** What one node held at one moment. Its documents are kept, or that they could not be read to the end; its stock is the answer. */
async function readWithStock(reach: Reads, book: Book, round: number): Promise<readonly LedgerLine[]> {
  const stock = stockQueries(reach, book.node, 'after', round);
  const answers = await readDocuments(reach, book, round, stock.queries);
  if (!Array.isArray(answers)) return stock.failed(answers);
  try {
    return stock.linesOf(answers);
  } catch (error) {
    return stock.failed(error);
  }
}

/** Together with other queries, in one transaction; their answers, or why there are none. */
async function readDocuments(
  reach: Reads,
  book: Book,
  round: number,
  others: readonly SnapshotQuery[],
): Promise<readonly (readonly SqlRow[])[] | Error> {
  const { node, put } = book;
  // One moment for all of them: they are of one snapshot.
  const read = { node, round, at: reach.now() };
  const gathering = gatherDocuments(read, async (lines) => {
    for (const line of lines)
      if (line.kind === 'document') {
        book.seen.add(line.document.marker);
        book.wanted.add(line.document.marker);
      }
    await put(lines);
  });
  const documents = {
    sql: documentsQuery(reach.target.site.markerField),
    values: [ownMarkers(reach)],
    each: gathering.row,
  };
  let answers: readonly (readonly SqlRow[])[];
  try {
    answers = await reach.sql.snapshot(node, [documents, ...others]);
    await gathering.end();
  } catch (error) {
    book.silent = true;
    await put([readLine({ ...read, at: reach.now() }, 'documents', messageOf(error))]);
    return error instanceof Error ? error : new Error(String(error));
  }
  book.silent = false;
  await put([readLine(read, 'documents')]);
  return answers.slice(1);
}

/** So many lines are written at once. */
const linesAtOnce = 1_000;

/** Rows come in the order of their documents: a document is whole when the next one begins. */
function gatherDocuments(read: Pick<FoundDocument, 'node' | 'round' | 'at'>, keep: KeepLines) {
  let whole: LedgerLine[] = [];
  let open: (FoundDocument & { readonly lines: FoundDocument['lines'][number][] }) | undefined;
  const close = () => {
    if (open) whole.push({ kind: 'document', document: open });
    open = undefined;
  };
  const flush = (): Promise<void> => {
    const lines = whole;
    whole = [];
    return keep(lines);
  };
  return {
    row(row: SqlRow): void | Promise<void> {
      const name = text(row, 'name');
      if (open?.name !== name) {
        close();
        open = { ...read, marker: text(row, 'marker'), name, docstatus: number(row, 'docstatus'), lines: [] };
      }
      // A draft moves nothing.
      if (row.item !== null)
        open.lines.push({ item: text(row, 'item'), warehouse: text(row, 'warehouse'), qty: number(row, 'qty') });
      return whole.length >= linesAtOnce ? flush() : undefined;
    },
    end(): Promise<void> {
      close();
      return flush();
    },
  };
}

/** Stock of each warehouse, and what the session's documents had moved: all of it or nothing. */
function stockQueries(reach: Reads, node: string, when: StockLevel['when'], round: number) {
  const { warehouse, dockWarehouse, markerField } = reach.target.site;
  const places = dockWarehouse === undefined ? [warehouse] : [warehouse, dockWarehouse];
  const session = sessionOf(reach.runId);
  const what = `stock-${when}` as const;
  return {
    queries: [
      ...places.map((place) => ({ sql: stockQuery, values: [place, place] })),
      ...(session ? [{ sql: movedQuery(markerField), values: movedValues(session) }] : []),
    ],
    linesOf(answers: readonly (readonly SqlRow[])[]): readonly LedgerLine[] {
      const at = reach.now();
      return [
        ...places.flatMap((place, index) =>
          (answers[index] ?? []).map(
            (row): LedgerLine => ({ kind: 'stock', level: levelOf(row, { node, when, at, warehouse: place }) }),
          ),
        ),
        ...(session ? (answers.at(-1) ?? []) : []).map(
          (row): LedgerLine => ({ kind: 'moved', moved: movedOf(row, { node, when, at }) }),
        ),
        readLine({ node, round, at }, what),
      ];
    },
    failed: (error: unknown): readonly LedgerLine[] => [
      readLine({ node, round, at: reach.now() }, what, messageOf(error)),
    ],
  };
}

const ownMarkers = ({ runId }: Reads) => `${escapeLike(`${runId}-`)}%`;

const movedValues = ({ session, number }: SessionRun) => [
  session.length + 2, // the number begins behind the dash, and SQL counts from 1
  number,
  `${escapeLike(`${session}-`)}%`,
];

const movedOf = (row: SqlRow, read: Pick<MovedStock, 'node' | 'when' | 'at'>): MovedStock => {
  const side = number(row, 'side');
  return {
    ...read,
    whose: side < 0 ? 'earlier' : side > 0 ? 'later' : 'own',
    item: text(row, 'item'),
    warehouse: text(row, 'warehouse'),
    qty: number(row, 'qty'),
    documents: number(row, 'documents'),
  };
};

const levelOf = (row: SqlRow, read: Pick<StockLevel, 'node' | 'when' | 'at' | 'warehouse'>): StockLevel => ({
  node: read.node,
  when: read.when,
  at: read.at,
  item: text(row, 'item'),
  warehouse: read.warehouse,
  ledgerSum: number(row, 'ledger_sum'),
  bin: number(row, 'bin'),
  lastRunning: number(row, 'last_running'),
  runningMin: number(row, 'running_min'),
});

/** The marker's index finds the documents, the voucher's index their ledger entries. Entry names are of no use: a job renames them. */
export const documentsQuery = (markerField: string) => `
SELECT e.${quoted(markerField)} AS marker, e.name, e.docstatus, l.item_code AS item, l.warehouse,
       CAST(SUM(l.actual_qty) AS DOUBLE) AS qty
  FROM \`tabStock Entry\` e
  LEFT JOIN \`tabStock Ledger Entry\` l
    ON l.voucher_no = e.name AND l.voucher_type = 'Stock Entry' AND l.is_cancelled = 0
 WHERE e.${quoted(markerField)} LIKE ?
 GROUP BY e.name, l.item_code, l.warehouse
 ORDER BY e.name, l.item_code, l.warehouse`;

/**
 * What the documents of a session moved, by item and warehouse, apart for earlier runs (-1), this one (0) and later ones (1). A marker is
 * the session, a dash, the run's number, a dash and more: the number is what a cast to a number reads of it.
 */
export const movedQuery = (markerField: string) => `
SELECT SIGN(CAST(SUBSTRING(e.${quoted(markerField)}, ?) AS SIGNED) - ?) AS side, l.item_code AS item, l.warehouse,
       CAST(SUM(l.actual_qty) AS DOUBLE) AS qty, COUNT(DISTINCT e.name) AS documents
  FROM \`tabStock Entry\` e
  JOIN \`tabStock Ledger Entry\` l
    ON l.voucher_no = e.name AND l.voucher_type = 'Stock Entry' AND l.is_cancelled = 0
 WHERE e.${quoted(markerField)} LIKE ?
 GROUP BY side, l.item_code, l.warehouse
 ORDER BY side, l.item_code, l.warehouse`;

/**
 * One row for each item that has a ledger or a bin in the warehouse. The newest entry is the one by which ERPNext itself goes on:
 * posting time, then creation; the name only makes a tie come out the same on every node.
 */
export const stockQuery = `
SELECT item, CAST(SUM(ledger_sum) AS DOUBLE) AS ledger_sum, CAST(SUM(bin) AS DOUBLE) AS bin,
       CAST(SUM(last_running) AS DOUBLE) AS last_running, CAST(SUM(running_min) AS DOUBLE) AS running_min
  FROM (
    SELECT item_code AS item, SUM(actual_qty) AS ledger_sum, 0 AS bin,
           SUM(IF(newest = 1, qty_after_transaction, 0)) AS last_running, MIN(qty_after_transaction) AS running_min
      FROM (
        SELECT item_code, actual_qty, qty_after_transaction,
               ROW_NUMBER() OVER (PARTITION BY item_code ORDER BY posting_datetime DESC, creation DESC, name DESC) AS newest
          FROM \`tabStock Ledger Entry\`
         WHERE warehouse = ? AND is_cancelled = 0
      ) entries
     GROUP BY item_code
    UNION ALL
    SELECT item_code, 0, actual_qty, 0, 0 FROM \`tabBin\` WHERE warehouse = ?
  ) both_sides
 GROUP BY item
 ORDER BY item`;

export function quoted(identifier: string): string {
  if (/[`\0]/.test(identifier) || identifier === '')
    throw new Error(`not a column's name: ${JSON.stringify(identifier)}`);
  return `\`${identifier}\``;
}

export const escapeLike = (prefix: string) => prefix.replaceAll(/[\\%_]/g, (character) => `\\${character}`);

const text = (row: SqlRow, column: string) => String(row[column] ?? '');

function number(row: SqlRow, column: string): number {
  const value = Number(row[column] ?? Number.NaN);
  if (!Number.isFinite(value))
    throw new Error(`column ${column} is ${JSON.stringify(row[column] ?? null)}, not a number`);
  return value;
}
