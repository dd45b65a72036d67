// The gate's answer, as machines read it. Versioned; its JSON Schema is published by `shakedown schema readiness`.
import { z } from 'zod';
import { historySchema } from './history.ts';

const outcome = z.enum(['passed', 'inconclusive', 'failed']);
const count = z.number().int().min(0);

const ledger = z.strictObject({
  sent: count,
  acknowledged: count,
  refused: count,
  unknown: count,
  unknownPresent: count,
  lost: count,
  duplicated: count,
  refusedButFound: count,
  neverSent: count,
  stale: count,
  invariantsBroken: count,
});

export const readinessSchema = z.strictObject({
  schema: z.literal('shakedown.readiness/1'),
  target: z.strictObject({ name: z.string(), environment: z.string() }),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  suite: z.string(),
  commit: z.string(),
  outcome,
  /** The exit code of the gate, with residue counted. */
  exitCode: z.number().int(),
  runs: z.array(
    z.strictObject({
      scenario: z.string(),
      hypothesis: z.string(),
      outcome,
      ended: z.enum(['completed', 'aborted', 'crashed']),
      recovery: z.strictObject({
        ms: z.number().nullable(),
        resolutionMs: z.number(),
        censoredMs: z.number().optional(),
      }),
      ledger,
      findings: z.array(z.looseObject({ check: z.string(), outcome, says: z.string() })),
      residue: z.array(z.string()),
      folder: z.string(),
    }),
  ),
  /** Of the asked suite, not run: each makes the gate inconclusive. */
  skipped: z.array(z.strictObject({ scenario: z.string(), reason: z.string() })),
  /** Scenarios outside the asked suite: nothing is known of their claims. */
  untested: z.array(z.strictObject({ scenario: z.string(), hypothesis: z.string() })),
  /** Against earlier gates of the same target and suite. Decides nothing; not in older files. */
  history: historySchema.optional(),
});

export type Readiness = z.infer<typeof readinessSchema>;
