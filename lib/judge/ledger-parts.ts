// The ledger by what was under way when a write was acknowledged, and by Galera node: a write that was acknowledged in peace and is gone
// after a crash tells something else than one that was acknowledged while the proxy had two writers.
import type { Instant } from '../model/evidence.ts';
import type { Finding, LedgerCount } from '../model/verdict.ts';
import type { Books } from '../tables/books-table.ts';
import type { RunTables } from '../tables/run-tables.ts';
import { acknowledgedCode, type WriteTable } from '../tables/write-table.ts';
import { type FaultWindow, faultWindows } from './fault-windows.ts';
import { phaseSpans } from './phases.ts';

export interface LedgerParts {
  acknowledged(row: number): void;
  lostAfterAcknowledged(row: number): void;
  /** Something of this kind was seen on the node. */
  seen(what: string, node: string): void;
  findings(count: LedgerCount): readonly Finding[];
}

type OfRun = Pick<RunTables, 'journal' | 'writes' | 'operations' | 'drops'>;

export function ledgerParts(run: OfRun, nodes: readonly Books[]): LedgerParts {
  const windows = faultWindows(run, Number.POSITIVE_INFINITY, phaseSpans(run));
  const times = new Map<string, { acknowledged: number; lost: number }>(
    timesOf(windows).map((name) => [name, { acknowledged: 0, lost: 0 }]),
  );
  const onNode = new Map(nodes.map(({ node }) => [node, new Map<string, number>()]));
  const timeOf = (row: number) => {
    const name = whenOf(windows, acknowledgedAt(run.writes, row));
    const time = times.get(name) ?? { acknowledged: 0, lost: 0 };
    times.set(name, time);
    return time;
  };
  return {
    acknowledged(row) {
      timeOf(row).acknowledged += 1;
    },
    lostAfterAcknowledged(row) {
      timeOf(row).lost += 1;
    },
    seen(what, node) {
      const own = onNode.get(node);
      own?.set(what, (own.get(what) ?? 0) + 1);
    },
    findings({ acknowledged, lost }) {
      if (nodes.length === 0 || acknowledged === 0) return [];
      const byTime = [...times].map(([when, time]) => ({ when, ...time }));
      const byNode = [...onNode].map(([node, own]) => ({
        node,
        lost: own.get('lost') ?? 0,
        duplicated: own.get('duplicated') ?? 0,
        stale: own.get('stale') ?? 0,
      }));
      return [
        {
          check: 'ledger.by-fault',
          outcome: 'passed',
          says: `Writes by when they were acknowledged: ${byTime.map((time) => `${time.acknowledged} ${time.when}, ${time.lost} of them lost`).join('; ')}.`,
          measured: lost,
          unit: 'writes',
          parts: byTime,
        },
        {
          check: 'ledger.by-node',
          outcome: 'passed',
          says: `Writes by Galera node: ${byNode.map((one) => `${one.node} ${one.lost} lost, ${one.duplicated} twice, ${one.stale} late`).join('; ')}.`,
          measured: lost,
          unit: 'writes',
          parts: byNode,
        },
      ];
    },
  };
}

const before = 'before any fault';
const during = (faults: readonly string[]) =>
  `while ${faults.join(' and ')} ${faults.length === 1 ? 'was' : 'were'} under way`;
const after = (fault: string) => `after ${fault}`;
const never = 'without any fault';

/** In order of time, also those in which nothing was acknowledged. */
function timesOf(windows: readonly FaultWindow[]): readonly string[] {
  if (windows.length === 0) return [never];
  const moments = windows.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
  return [...new Set([before, ...moments.filter(Number.isFinite).map((at) => whenOf(windows, at))])];
}

function whenOf(windows: readonly FaultWindow[], at: Instant): string {
  if (windows.length === 0) return never;
  const underWay = windows.filter(({ from, to }) => at >= from && at < to).map(({ fault }) => fault);
  if (underWay.length > 0) return during([...new Set(underWay)]);
  const last = windows.filter(({ to }) => to <= at).sort((a, b) => b.to - a.to)[0];
  return last ? after(last.fault) : before;
}

/** Where several requests share the marker, the last that was acknowledged. */
function acknowledgedAt(writes: WriteTable, row: number): Instant {
  const at = writes.acknowledgedAt(row);
  if (!Number.isNaN(at)) return at;
  let last = Number.NEGATIVE_INFINITY;
  writes.eachRequest(row, (outcome, _, sentAt, durationMs) => {
    if (outcome === acknowledgedCode) last = Math.max(last, sentAt + (durationMs || 0));
  });
  return last;
}
