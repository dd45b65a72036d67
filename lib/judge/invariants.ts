// The books must balance on every Galera node: the sum of the ledger is what the bin says, what the newest entry says, and what the
// documents say; and stock never went below zero. A lost or doubled booking that hides its document still shows here.
import type { LedgerLine, MovedStock, StockLevel } from '../model/evidence.ts';
import type { Finding, Outcome } from '../model/verdict.ts';
import type { Books } from '../tables/books-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { acknowledgedCode } from '../tables/write-table.ts';
import { compareText, examplesOf } from './findings.ts';
import { byPlace, placeOf } from './ledger.ts';
import { counted, rounded, sameQuantity } from './numbers.ts';
import { isOwn } from './own-writes.ts';

interface NodeStock {
  readonly node: string;
  readonly before: ReadonlyMap<string, StockLevel>;
  readonly after: ReadonlyMap<string, StockLevel>;
  /** What the load of other runs moved between the two readings, and what of this run's had moved before the first, taken away. */
  readonly beside: ReadonlyMap<string, number>;
}

interface Case {
  readonly place: string;
  readonly node: string;
  readonly seen: string;
}

interface Broken {
  readonly bin: Case[];
  readonly running: Case[];
  readonly documents: Case[];
  readonly negative: Case[];
  /** Broken before the run began: nothing can be concluded for these. */
  readonly before: Case[];
}

export function judgeInvariants(run: Pick<RunTables, 'journal' | 'ledger' | 'writes' | 'books'>): {
  readonly broken: number;
  readonly findings: readonly Finding[];
} {
  const { ledger, books } = run;
  const nodes = books.map(({ node }) => node);
  const unread = nodes.flatMap((node) => unreadStock(node, ledger));
  const stocks = nodes.filter((node) => unreadStock(node, ledger).length === 0).map((node) => stockOf(node, ledger));
  const broken: Broken = { bin: [], running: [], documents: [], negative: [], before: [] };
  const places = new Set<string>();
  for (const stock of stocks) {
    const own = books.find(({ node }) => node === stock.node);
    if (own?.read) for (const place of compare(stock, movementOf(own, run), broken)) places.add(place);
    else unread.push(`${stock.node}: its documents were not read`);
  }

  const looked = places.size > 0;
  const over = `${counted(places.size, 'item')} on ${counted(stocks.length, 'Galera node')}`;
  const judged = (check: string, cases: readonly Case[], good: string, bad: string): Finding => ({
    check,
    outcome: cases.length > 0 ? 'failed' : looked ? 'passed' : 'inconclusive',
    says:
      cases.length > 0
        ? `${bad}: ${counted(cases.length, 'case')} over ${over}.`
        : looked
          ? `${good}, over ${over}.`
          : 'No stock was read, so nobody can tell whether the books balance.',
    measured: cases.length,
    bound: '= 0',
    unit: 'items',
    ...(cases.length > 0 ? { examples: examplesOf(inShort(cases, stocks.length)) } : {}),
  });
  return {
    broken: broken.bin.length + broken.running.length + broken.documents.length + broken.negative.length,
    findings: [
      inconclusiveIf(
        'stock.read',
        unread,
        `Stock was read before and after, on ${counted(nodes.length, 'Galera node')}.`,
        'Stock was not read everywhere',
        nodes.length > 0,
      ),
      inconclusiveIf(
        'stock.baseline',
        inShort(broken.before, stocks.length),
        'The books balanced before the run.',
        'The books did not balance before the run',
        looked,
      ),
      judged('stock.bin', broken.bin, 'Every bin is the sum of its ledger', 'A bin is not the sum of its ledger'),
      judged(
        'stock.running',
        broken.running,
        'Every newest entry carries the sum of its ledger',
        'A newest entry does not carry the sum of its ledger',
      ),
      judged(
        'stock.documents',
        broken.documents,
        'Stock moved by what the documents say',
        'Stock did not move by what the documents say',
      ),
      judged('stock.negative', broken.negative, 'Stock never went below zero', 'Stock went below zero'),
    ],
  };
}

/** Returns the places that were compared. */
function compare(stock: NodeStock, movement: ReadonlyMap<string, number>, broken: Broken): readonly string[] {
  const places = [
    ...new Set([...stock.before.keys(), ...stock.after.keys(), ...movement.keys(), ...stock.beside.keys()]),
  ].sort(compareText);
  for (const place of places) {
    const before = stock.before.get(place);
    const after = stock.after.get(place);
    const off = (seen: string): Case => ({ place, node: stock.node, seen });
    const wasOff =
      before !== undefined &&
      (!sameQuantity(before.ledgerSum, before.bin) || !sameQuantity(before.ledgerSum, before.lastRunning));
    const wasNegative = before !== undefined && before.runningMin < -1e-6;
    if (wasOff)
      broken.before.push(
        off(
          `ledger ${rounded(before.ledgerSum)}, bin ${rounded(before.bin)}, newest entry ${rounded(before.lastRunning)}`,
        ),
      );
    if (wasNegative) broken.before.push(off(`it had been at ${rounded(before.runningMin)}`));

    // An item without a row has neither a ledger nor a bin: it stands at zero.
    const sum = after?.ledgerSum ?? 0;
    const expected = (before?.ledgerSum ?? 0) + (movement.get(place) ?? 0) + (stock.beside.get(place) ?? 0);
    if (!sameQuantity(sum, expected))
      broken.documents.push(off(`ledger ${rounded(sum)}, documents ${rounded(expected)}`));
    if (!after || wasOff) continue;
    if (!sameQuantity(after.bin, sum)) broken.bin.push(off(`bin ${rounded(after.bin)}, ledger ${rounded(sum)}`));
    if (!sameQuantity(after.lastRunning, sum))
      broken.running.push(off(`newest entry ${rounded(after.lastRunning)}, ledger ${rounded(sum)}`));
    if (after.runningMin < -1e-6 && !wasNegative) broken.negative.push(off(`it was at ${rounded(after.runningMin)}`));
  }
  return places;
}

/** What is off in the same way on several nodes is told once. */
function inShort(cases: readonly Case[], nodes: number): readonly string[] {
  const places = new Map<string, Case[]>();
  for (const one of cases) {
    const key = `${one.place}: ${one.seen}`;
    places.set(key, [...(places.get(key) ?? []), one]);
  }
  return [...places.values()].map((same) => {
    const where = same.length === nodes && nodes > 1 ? 'every Galera node' : same.map(({ node }) => node).join(', ');
    return `${same[0]?.place} on ${where}: ${same[0]?.seen}`;
  });
}

/** What was acknowledged must have moved, unless it was taken back; what is unknown moved when its document is there. */
function movementOf(books: Books, run: Pick<RunTables, 'journal' | 'writes'>): ReadonlyMap<string, number> {
  const { writes } = run;
  const own = isOwn(run);
  /** How often each line moved, by its code. */
  const times: number[] = [];
  const add = (codes: readonly number[]) => {
    for (const code of codes) times[code] = (times[code] ?? 0) + 1;
  };
  const submitted = (row: number) => books.documents(row).some(({ docstatus }) => docstatus === 1);
  writes.each((row, prefix, number) => {
    if (!own(prefix) || !writes.wrote(row)) {
      // A document that nobody is on record to have sent is a hole in the record, told as such; its movement is real.
      for (const { lines } of books.documents(row)) add(lines.map((line) => writes.pool.code(line)));
    } else if (writes.outcome(row) === acknowledgedCode && writes.cancelled(row) === 0) {
      add(writes.pool.codesOf(writes.lines(row)));
    } else {
      const write = writes.write(row, writes.texts.textOf(prefix, number));
      if (!write || write.outcome === 'refused') return;
      const { outcome, cancelled, lines } = write;
      const moved = outcome === 'acknowledged' && cancelled !== 'unknown' ? cancelled === undefined : submitted(row);
      if (moved) add(lines.map((line) => writes.pool.code(line)));
    }
  });
  // In one order on every machine, whatever the order of the files: fractions add up differently in another.
  const moved = times
    .map((count, code) => ({ ...writes.pool.line(code), count }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => compareText(a.item, b.item) || compareText(a.warehouse, b.warehouse) || a.qty - b.qty);
  return byPlace(moved.map(({ item, warehouse, qty, count }) => ({ item, warehouse, qty: qty * count })));
}

function stockOf(node: string, ledger: readonly LedgerLine[]): NodeStock {
  const levels = ledger.flatMap((line) => (line.kind === 'stock' && line.level.node === node ? [line.level] : []));
  const at = (when: StockLevel['when']) =>
    new Map(
      levels.filter((level) => level.when === when).map((level) => [placeOf(level.item, level.warehouse), level]),
    );
  return { node, before: at('before'), after: at('after'), beside: movedBeside(node, ledger) };
}

/**
 * The load goes on while the stock is read. What this run's documents had moved before the first reading is in it already, so it must not
 * count twice; what later runs moved comes on top. Of earlier runs some unknown write may have come late; but one of their documents that
 * moved something before and no longer does is a loss, and nothing makes up for it.
 */
function movedBeside(node: string, ledger: readonly LedgerLine[]): ReadonlyMap<string, number> {
  const moved = ledger.flatMap((line) => (line.kind === 'moved' && line.moved.node === node ? [line.moved] : []));
  const of = (whose: MovedStock['whose'], when: MovedStock['when']) =>
    new Map(
      moved
        .filter((one) => one.whose === whose && one.when === when)
        .map((one) => [placeOf(one.item, one.warehouse), one]),
    );
  const [ownBefore, laterBefore, laterAfter] = [of('own', 'before'), of('later', 'before'), of('later', 'after')];
  const [earlierBefore, earlierAfter] = [of('earlier', 'before'), of('earlier', 'after')];
  const sums = new Map<string, number>();
  for (const { item, warehouse } of moved) {
    const place = placeOf(item, warehouse);
    const qty = (one: MovedStock | undefined) => one?.qty ?? 0;
    const gone = (earlierAfter.get(place)?.documents ?? 0) < (earlierBefore.get(place)?.documents ?? 0);
    const cameLate = gone ? 0 : qty(earlierAfter.get(place)) - qty(earlierBefore.get(place));
    sums.set(place, qty(laterAfter.get(place)) - qty(laterBefore.get(place)) + cameLate - qty(ownBefore.get(place)));
  }
  return sums;
}

function unreadStock(node: string, ledger: readonly LedgerLine[]): string[] {
  return (['stock-before', 'stock-after'] as const).flatMap((what) => {
    const reads = ledger.flatMap((line) =>
      line.kind === 'read' && line.node === node && line.what === what ? [line] : [],
    );
    if (reads.some(({ error }) => error === undefined)) return [];
    return [`${node}: ${what}: ${reads.at(-1)?.error ?? 'was not read'}`];
  });
}

function inconclusiveIf(
  check: string,
  problems: readonly string[],
  good: string,
  bad: string,
  looked: boolean,
): Finding {
  const outcome: Outcome = problems.length > 0 || !looked ? 'inconclusive' : 'passed';
  return {
    check,
    outcome,
    says:
      problems.length > 0
        ? `${bad}: ${problems[0]}${problems.length > 1 ? `, and ${problems.length - 1} more` : ''}.`
        : looked
          ? good
          : 'No stock was read.',
    ...(problems.length > 0 ? { examples: examplesOf(problems) } : {}),
  };
}
