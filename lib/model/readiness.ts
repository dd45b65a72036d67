// The gate's answer, as machines read it. Versioned; its JSON Schema is published by `shakedown schema readiness`.
import { z } from 'zod';
import { historySchema } from './history.ts';
import { selftestSchema } from './selftest.ts';

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

const measure = { ms: z.number().nullable(), resolutionMs: z.number(), censoredMs: z.number().optional() };
const stage = z.strictObject({ ...measure, by: z.string(), fromMs: z.number() });

const recovery = z.strictObject({
  ...measure,
  /** Not in older files. */
  faults: z
    .array(
      z.strictObject({
        ...measure,
        fault: z.string(),
        injectedMs: z.number(),
        detected: stage.optional(),
        failedOver: stage.optional(),
        second: z
          .discriminatedUnion('is', [
            z.strictObject({
              ...measure,
              is: z.enum(['agrees', 'disagrees']),
              scrapeMs: z.number(),
              laterMs: z.number().nullable(),
            }),
            z.strictObject({ is: z.literal('none'), why: z.string() }),
          ])
          .optional(),
        budget: z
          .array(
            z.strictObject({
              objective: z.string(),
              bad: count,
              planned: count,
              budget: z.number(),
              share: z.number(),
              outageMs: z.number(),
              burnRate: z.number(),
              windowMs: z.number(),
            }),
          )
          .readonly()
          .optional(),
      }),
    )
    .readonly()
    .optional(),
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
      recovery,
      ledger,
      findings: z.array(
        z.looseObject({
          check: z.string(),
          outcome,
          says: z.string(),
          /** A control of the same gate fails it as well: the platform's own defect, not the fault's. */
          alsoInControl: z.boolean().optional(),
        }),
      ),
      residue: z.array(z.string()),
      folder: z.string(),
      /** Played without any fault. */
      control: z.boolean().optional(),
    }),
  ),
  /** Of the asked suite, not run: each makes the gate inconclusive. */
  skipped: z.array(z.strictObject({ scenario: z.string(), reason: z.string() })),
  /** Scenarios outside the asked suite: nothing is known of their claims. */
  untested: z.array(z.strictObject({ scenario: z.string(), hypothesis: z.string() })),
  /** Against earlier gates of the same target and suite. Decides nothing; not in older files. */
  history: historySchema.optional(),
  /** What is known of the judge itself. One that missed something makes the gate inconclusive; not in older files. */
  selftest: selftestSchema.optional(),
});

export type Readiness = z.infer<typeof readinessSchema>;
