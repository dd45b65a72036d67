// One line of samples.ndjson (k6's own JSON points, verbatim) → one event. The live view and the judge read the same lines
// with the same eyes, so what was shown while the run went on is what is judged later.
import { type Journey, journeys } from '../model/claim.ts';
import type { Drop, Operation, Write } from '../model/evidence.ts';

/** Metrics of which samples.ndjson holds points; any other one is a line that nobody should have written. */
export const sampleMetrics = {
  /** One HTTP exchange, once it was answered or timed out; value = duration in ms. */
  operation: 'operation',
  /** A write is about to go out; without a later `operation` of its marker nobody knows how it ended. */
  writeSent: 'write_sent',
  /** k6's own counter: iterations that no virtual user was free for; value = how many. */
  dropped: 'dropped_iterations',
} as const;

export type Sample =
  | { readonly kind: 'operation'; readonly operation: Operation }
  | { readonly kind: 'drop'; readonly drop: Drop }
  /** The operation as it would be if nothing more were heard of it: outcome unknown, no duration. */
  | { readonly kind: 'write-sent'; readonly operation: Operation & { readonly write: Write } }
  /** Told, never guessed: the judge counts the line as damage. */
  | { readonly kind: 'unreadable'; readonly what: string };

/** Undefined for lines that are no event: blank ones, and k6's declarations of metrics. Never throws. */
export function parseSample(line: string): Sample | undefined {
  if (line.trim() === '') return undefined;
  try {
    return sampleOf(JSON.parse(line));
  } catch (error) {
    return { kind: 'unreadable', what: error instanceof Error ? error.message : String(error) };
  }
}

function sampleOf(json: unknown): Sample | undefined {
  const point = record(json, 'the line');
  if (point.type === 'Metric') return undefined;
  if (point.type !== 'Point') throw new Error(`type ${shown(point.type)} (wanted Point)`);
  const data = record(point.data, 'data');
  const tags = record(data.tags ?? {}, 'data.tags');
  const metadata = record(data.metadata ?? {}, 'data.metadata');
  switch (point.metric) {
    case sampleMetrics.operation:
      return { kind: 'operation', operation: answeredOperation(data, tags, metadata) };
    case sampleMetrics.writeSent:
      return { kind: 'write-sent', operation: sentWrite(tags, metadata) };
    case sampleMetrics.dropped:
      return { kind: 'drop', drop: dropOf(data, tags) };
    default:
      throw new Error(`metric ${shown(point.metric)} (wanted operation, write_sent or dropped_iterations)`);
  }
}

function answeredOperation(data: Fields, tags: Fields, metadata: Fields): Operation {
  const outcome = tags.outcome;
  if (outcome !== 'good' && outcome !== 'bad') throw new Error(`tag outcome ${shown(outcome)} (wanted good or bad)`);
  const excType = text(metadata.excType);
  const write = answeredWrite(metadata);
  return {
    journey: journeyOf(tags.journey, 'journey'),
    ...runOf(metadata),
    ...technicianOf(metadata),
    sentAt: number(metadata.sentAt, 'metadata sentAt'),
    durationMs: atLeastZero(data.value, 'value'),
    good: outcome === 'good',
    status: number(metadata.status, 'metadata status'),
    ...(excType ? { excType } : {}),
    ...(write ? { write } : {}),
  };
}

function answeredWrite(metadata: Fields): Write | undefined {
  const marker = text(metadata.marker);
  if (!marker) return undefined;
  const outcome = metadata.write;
  if (outcome !== 'acknowledged' && outcome !== 'refused' && outcome !== 'unknown')
    throw new Error(`metadata write ${shown(outcome)} (wanted acknowledged, refused or unknown)`);
  const document = text(metadata.document);
  return {
    marker,
    outcome,
    ...(document ? { document } : {}),
    lines: linesOf(metadata.lines),
    ...cancelledOf(metadata.cancelled),
  };
}

function sentWrite(tags: Fields, metadata: Fields): Operation & { readonly write: Write } {
  const marker = text(metadata.marker);
  if (!marker) throw new Error('write_sent without a marker');
  return {
    journey: journeyOf(tags.journey, 'journey'),
    ...runOf(metadata),
    sentAt: number(metadata.sentAt, 'metadata sentAt'),
    good: false,
    status: 0,
    write: { marker, outcome: 'unknown', lines: linesOf(metadata.lines), ...cancelledOf(metadata.cancelled) },
  };
}

function dropOf(data: Fields, tags: Fields): Drop {
  const at = Date.parse(String(data.time));
  if (Number.isNaN(at)) throw new Error(`time ${shown(data.time)}`);
  return { at, journey: journeyOf(tags.scenario, 'scenario'), count: atLeastZero(data.value, 'value') };
}

/** `[["ITEM-0001","Stores - WP",-2]]`, as text inside the metadata. */
function linesOf(value: unknown): Write['lines'] {
  if (value === undefined || value === '') return [];
  const rows: unknown = JSON.parse(String(value));
  if (!Array.isArray(rows)) throw new Error(`metadata lines ${shown(value)}`);
  return rows.map((row) => {
    const [item, warehouse, qty] = Array.isArray(row) ? row : [];
    if (typeof item !== 'string' || typeof warehouse !== 'string' || typeof qty !== 'number')
      throw new Error(`metadata lines ${shown(value)}`);
    return { item, warehouse, qty };
  });
}

function runOf(metadata: Fields): Pick<Operation, 'run'> {
  const run = text(metadata.run);
  return run ? { run } : {};
}

function technicianOf({ technician }: Fields): Pick<Operation, 'technician'> {
  return technician === undefined ? {} : { technician: atLeastZero(technician, 'metadata technician') };
}

function cancelledOf(value: unknown): Pick<Write, 'cancelled'> {
  if (value === undefined) return {};
  if (value === 'acknowledged' || value === 'unknown') return { cancelled: value };
  throw new Error(`metadata cancelled ${shown(value)} (wanted acknowledged or unknown)`);
}

type Fields = Readonly<Record<string, unknown>>;

function record(value: unknown, what: string): Fields {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw new Error(`${what} is no object`);
  return value as Fields;
}

function journeyOf(value: unknown, tag: string): Journey {
  if (!journeys.includes(value as Journey))
    throw new Error(`tag ${tag} ${shown(value)} (wanted ${journeys.join(', ')})`);
  return value as Journey;
}

/** Metadata comes as text, values come as numbers; nothing else is a number. */
function number(value: unknown, what: string): number {
  const read = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof read !== 'number' || !Number.isFinite(read)) throw new Error(`${what} ${shown(value)} is no number`);
  return read;
}

function atLeastZero(value: unknown, what: string): number {
  const read = number(value, what);
  if (read < 0) throw new Error(`${what} ${shown(value)} is negative`);
  return read;
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const shown = (value: unknown): string => JSON.stringify(value)?.slice(0, 80) ?? 'missing';
