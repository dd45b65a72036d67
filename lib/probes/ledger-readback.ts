// Reads back what the load wrote, on each Galera node by itself: the same rows read through a proxy would hide the node that differs.
// What is missing at first is looked for again for a while, since late is not lost. Judging is not done here.
import { messageOf } from '../errors.ts';
import type { FoundDocument, Instant, LedgerLine, MovedStock, StockLevel } from '../model/evidence.ts';
import type { Reach, SqlRow } from '../model/reach.ts';
import { type SessionRun, sessionOf } from '../model/run-ids.ts';

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
  return (await Promise.all(nodes.map(async (node) => (await readAtOnce(reach, node, 'before', 0)).stock))).flat();
}

/**
 * Documents under the run's markers, in rounds: at once, and every second again for 10 s while an acknowledged marker, or one that
 * another node has, is missing on a node. With the last round the stock, in the same transaction, for others may go on booking. Each round
 * reads every node.
 */
export async function readLedger(
  reach: Reads,
  { acknowledged = [] }: { readonly acknowledged?: readonly string[] } = {},
): Promise<readonly LedgerLine[]> {
  const nodes = await reach.sql.nodes();
  const wanted = new Set(acknowledged);
  const seen = new Map(nodes.map((node) => [node, new Set<string>()]));
  const rounds: (readonly LedgerLine[])[][] = [];
  const began = reach.now();
  // Nearly always the first look finds all, and nothing has to be read twice.
  let last = await Promise.all(nodes.map((node) => readAtOnce(reach, node, 'after', 0)));
  for (let round = 0; ; round++) {
    const read =
      round === 0
        ? last.map(({ documents }) => documents)
        : await Promise.all(nodes.map((node) => readDocuments(reach, node, round)));
    rounds.push(read);
    let silent = false;
    for (const [index, answer] of read.entries()) {
      for (const line of answer) {
        if (line.kind === 'document') {
          wanted.add(line.document.marker);
          seen.get(nodes[index] ?? '')?.add(line.document.marker);
        }
        if (line.kind === 'read' && line.error !== undefined) silent = true;
      }
    }
    const missing = [...seen.values()].some((markers) => [...wanted].some((marker) => !markers.has(marker)));
    const spentMs = reach.now() - began;
    if (!missing && !silent) break;
    if (spentMs >= (silent ? silentMs : missingMs)) break;
    await reach.sleep(everyMs);
  }
  if (rounds.length > 1) {
    last = await Promise.all(nodes.map((node) => readAtOnce(reach, node, 'after', rounds.length - 1)));
    rounds[rounds.length - 1] = last.map(({ documents }) => documents);
  }
  return [
    ...nodes.flatMap((_, index) => withoutRepeats(rounds.map((round) => round[index] ?? []))),
    ...last.flatMap(({ stock }) => stock),
  ];
}

/** Of one node's rounds: the last that was read to the end as it is, of the others what was not there before. */
function withoutRepeats(rounds: readonly (readonly LedgerLine[])[]): readonly LedgerLine[] {
  const whole = (lines: readonly LedgerLine[]) =>
    lines.some((line) => line.kind === 'read' && line.error === undefined);
  const last = rounds.findLastIndex(whole);
  const known = new Set<string>();
  return rounds.flatMap((lines, round) =>
    lines.filter((line) => {
      if (round === last || line.kind !== 'document') return true;
      const isNew = !known.has(line.document.name);
      known.add(line.document.name);
      return isNew;
    }),
  );
}

/** What one node held at one moment: documents, stock, and what the session's documents had moved. All of it or nothing. */
async function readAtOnce(
  reach: Reads,
  node: string,
  when: StockLevel['when'],
  round: number,
): Promise<{ readonly documents: readonly LedgerLine[]; readonly stock: readonly LedgerLine[] }> {
  const { warehouse, dockWarehouse, markerField } = reach.target.site;
  const places = dockWarehouse === undefined ? [warehouse] : [warehouse, dockWarehouse];
  const session = sessionOf(reach.runId);
  const what = `stock-${when}` as const;
  const readLine = (read: 'documents' | typeof what, at: Instant, error?: string): LedgerLine => ({
    kind: 'read',
    node,
    round,
    at,
    what: read,
    ...(error === undefined ? {} : { error }),
  });
  try {
    const answers = await reach.sql.snapshot(node, [
      ...places.map((place) => ({ sql: stockQuery, values: [place, place] })),
      ...(when === 'after' ? [{ sql: documentsQuery(markerField), values: [ownMarkers(reach)] }] : []),
      ...(session ? [{ sql: movedQuery(markerField), values: movedValues(session) }] : []),
    ]);
    const at = reach.now();
    const documents = when === 'after' ? (answers[places.length] ?? []) : [];
    const movedRows = session ? (answers.at(-1) ?? []) : [];
    const stock = places.flatMap((place, index) =>
      (answers[index] ?? []).map(
        (row): LedgerLine => ({
          kind: 'stock',
          level: levelOf(row, { node, when, at, warehouse: place }),
        }),
      ),
    );
    const moved = movedRows.map(
      (row): LedgerLine => ({
        kind: 'moved',
        moved: movedOf(row, { node, when, at }),
      }),
    );
    return {
      documents: when === 'after' ? [...documentLines(documents, { node, round, at }), readLine('documents', at)] : [],
      stock: [...stock, ...moved, readLine(what, at)],
    };
  } catch (error) {
    const at = reach.now();
    return {
      documents: [readLine('documents', at, messageOf(error))],
      stock: [readLine(what, at, messageOf(error))],
    };
  }
}

async function readDocuments(reach: Reads, node: string, round: number): Promise<readonly LedgerLine[]> {
  const { markerField } = reach.target.site;
  try {
    const rows = await reach.sql.query(node, documentsQuery(markerField), [ownMarkers(reach)]);
    const at = reach.now();
    return [...documentLines(rows, { node, round, at }), { kind: 'read', node, round, at, what: 'documents' }];
  } catch (error) {
    return [{ kind: 'read', node, round, at: reach.now(), what: 'documents', error: messageOf(error) }];
  }
}

function documentLines(
  rows: readonly SqlRow[],
  read: Pick<FoundDocument, 'node' | 'round' | 'at'>,
): readonly LedgerLine[] {
  const documents = new Map<string, FoundDocument & { lines: FoundDocument['lines'][number][] }>();
  for (const row of rows) {
    const name = text(row, 'name');
    const document = documents.get(name) ?? {
      node: read.node,
      round: read.round,
      at: read.at,
      marker: text(row, 'marker'),
      name,
      docstatus: number(row, 'docstatus'),
      lines: [],
    };
    documents.set(name, document);
    if (row.item === null) continue; // a draft moves nothing
    document.lines.push({ item: text(row, 'item'), warehouse: text(row, 'warehouse'), qty: number(row, 'qty') });
  }
  return [...documents.values()].map((document): LedgerLine => ({ kind: 'document', document }));
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
