// Healthy evidence: every recorded run as it is, and variants with what happens in good nights too. Each must pass: a gate that cries wolf is
// switched off. Defects name the one that they spoil.
import type { Evidence } from '../lib/model/evidence.ts';
import {
  bookings,
  documents,
  jobIs,
  journal,
  ledger,
  operations,
  ranges,
  readings,
  spanOf,
  stockMoved,
  values,
  write,
} from './change.ts';
import type { Healthy } from './defect.ts';
import { noticed, withAlerts, withCounters, withTechnicians } from './overlays.ts';
import { recordedNames } from './recorded.ts';

const crash = 'galera-writer-crash';

export const healthy: readonly Healthy[] = [
  ...recordedNames.map((name) => ({ name, of: name })),
  // Writes without a clear answer, or with a clear no.
  { name: 'an-unknown-write-is-there', of: crash, with: (evidence) => unknown(evidence, true) },
  { name: 'an-unknown-write-is-not-there', of: crash, with: (evidence) => unknown(evidence, false) },
  { name: 'a-refused-write-left-its-draft', of: crash, with: refused },
  { name: 'a-document-came-late-to-a-node', of: crash, with: late },
  { name: 'a-job-failed-as-the-claim-allows', of: 'worker-kill', with: (evidence) => jobIs(evidence, 'failed') },
  // Observation that is not perfect.
  { name: 'one-prometheus-was-restarted', of: crash, with: (evidence) => gap(evidence, 'prometheus-0', 0) },
  {
    name: 'each-prometheus-missed-a-scrape',
    of: crash,
    with: (evidence) => gap(gap(evidence, 'prometheus-0', 1), 'prometheus-1', 2),
  },
  { name: 'a-probe-missed-two-looks', of: crash, with: twoLooksMissed },
  { name: 'the-clock-was-100-ms-off', of: crash, with: clockOff },
  {
    name: 'the-ledger-came-in-another-order',
    of: crash,
    with: (all) => ({ ...all, ledger: [...all.ledger].reverse() }),
  },
  { name: 'one-scan-of-hundreds-was-bad', of: crash, with: oneBadScan },
  { name: 'counters-went-on', of: crash, with: (evidence) => withCounters(evidence, () => 1_795_960_000_000) },
  { name: 'technicians-took-turns', of: crash, with: (evidence) => withTechnicians(evidence, (number) => number) },
  // Alerts.
  { name: 'an-alert-noticed', of: crash, with: (evidence) => withAlerts(evidence, { firing: [noticed] }) },
  {
    name: 'an-alert-of-another-part-fired',
    of: crash,
    with: (evidence) =>
      withAlerts(evidence, { firing: [noticed, { ...noticed, name: 'RedisMasterDown', part: 'queue' }] }),
  },
  {
    name: 'another-alert-fired-long-before',
    of: crash,
    with: (evidence) =>
      withAlerts(evidence, { firing: [noticed, { name: 'SiteSlow', part: 'service', fromMs: -1e6, toMs: 1e6 }] }),
  },
  {
    name: 'an-alert-was-silenced-for-a-while',
    of: crash,
    with: (evidence) => withAlerts(evidence, { firing: [noticed], silenced: (fromFaultMs) => fromFaultMs < 10_000 }),
  },
];

function unknown(evidence: Evidence, there: boolean): Evidence {
  const some = bookings(evidence, 1);
  const asked = write(evidence, some, ({ document: _, ...one }) => ({ ...one, outcome: 'unknown' }));
  return there ? asked : documents(stockMoved(asked, some, -1), some, () => []);
}

/** It went as draft and then submit, and the submit was refused. */
function refused(evidence: Evidence): Evidence {
  const some = bookings(evidence, 1);
  const asked = write(evidence, some, ({ document: _, ...one }) => ({ ...one, outcome: 'refused' }));
  return documents(stockMoved(asked, some, -1), some, (line) => [
    { ...line, document: { ...line.document, docstatus: 0, lines: [] } },
  ]);
}

/** On one Galera node: missing in the first round, there in the next, 3 s later. */
function late(evidence: Evidence): Evidence {
  const [booking] = bookings(evidence, 1);
  const node = evidence.ledger.find((line) => line.kind === 'read')?.node;
  return ledger(evidence, (line) => {
    if (line.kind === 'read' && line.node === node && line.what === 'documents')
      return [line, { ...line, round: line.round + 1, at: line.at + 3_000 }];
    if (line.kind !== 'document' || line.document.node !== node) return line;
    const { document } = line;
    const again = { ...line, document: { ...document, round: document.round + 1, at: document.at + 3_000 } };
    return document.marker === booking?.marker ? again : [line, again];
  });
}

/** One step of `after`, of one replica; what it missed the other one saw. */
function gap(evidence: Evidence, replica: string, step: number): Evidence {
  const { from } = spanOf(evidence, 'after');
  const asked = evidence.ranges[0];
  const first = asked ? Math.ceil((from - asked.from) / asked.stepMs) : 0;
  const missed = asked ? asked.from + (first + step) * asked.stepMs : 0;
  return ranges(evidence, 'galera-size', (range) =>
    range.replica === replica ? values(range, (at, text) => (at === missed ? undefined : text)) : range,
  );
}

function twoLooksMissed(evidence: Evidence): Evidence {
  let left = 2;
  return readings(evidence, 'app-writer-nodes', 'steady', (line) => {
    if (left === 0) return line;
    left -= 1;
    const { value: _, ...rest } = line;
    return { ...rest, missing: 'galera-1: connection refused' };
  });
}

function clockOff(evidence: Evidence): Evidence {
  return journal(evidence, (line) => (line.kind === 'ended' ? { ...line, at: line.at + 100 } : line));
}

function oneBadScan(evidence: Evidence): Evidence {
  const { from } = spanOf(evidence, 'after');
  const scan = evidence.operations.find(({ journey, sentAt }) => journey === 'barcode-lookup' && sentAt >= from);
  return operations(evidence, (one) => (one === scan ? { ...one, good: false, status: 503 } : one));
}
