// What a scenario claims of alerts: which must fire, how soon, and be over again how soon; and which must stay silent.
import { z } from 'zod';

const ms = z.number().int().min(1);
/** It is also a part of the check's name, which people type and history compares. */
const name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_:-]*$/, 'wants the name of an alert, as its rule has it');
const labels = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
  .refine((given) => !('alertname' in given || 'alertstate' in given), 'alertname goes as `name`, alertstate is firing')
  .describe('labels that the alert has, each with this very value; it may have others');

const mustFire = z
  .strictObject({
    name,
    labels: labels.optional(),
    /** `effect` for a fault whose effect comes in its own time, as a certificate expires; left out: landed. */
    from: z.enum(['landed', 'effect']).optional(),
    withinMs: ms,
    /** Counted from undo. Left out where the rule itself looks back over longer than the run has after undo: then its end is not claimed. */
    resolvesWithinMs: ms.optional(),
    /** Silenced, inhibited or muted is as good: another alert calls. Else nobody would have been called, and that is no pass. */
    mayBeHeldBack: z.literal(true).optional(),
  })
  .readonly();

const mustNotFire = z
  .strictObject({ name: name.optional(), labels: labels.optional() })
  .refine((one) => one.name !== undefined || Object.keys(one.labels ?? {}).length > 0, 'wants a name or labels')
  .readonly();

export const alertContractSchema = z
  .strictObject({
    /** An alert that fires for ever while rules are evaluated: only beside it does the absence of another one mean anything. */
    heartbeat: name,
    /**
     * So many replicas of Prometheus must have evaluated at each look; left out, all of them. For a fault that takes one along: what
     * only that one would have seen is then not known, and does not count.
     */
    prometheusReplicasMin: z.number().int().min(1).optional(),
    mustFire: z.array(mustFire).readonly(),
    /** From the fault on; in a run without one, from the steady phase on. */
    mustNotFire: z.array(mustNotFire).readonly(),
  })
  .refine((one) => one.mustFire.length + one.mustNotFire.length > 0, 'claims nothing')
  .refine(
    ({ mustFire }) => new Set(mustFire.map((one) => one.name)).size === mustFire.length,
    'an alert that must fire is named twice',
  )
  .refine(
    ({ heartbeat, mustFire, mustNotFire }) => [...mustFire, ...mustNotFire].every((one) => one.name !== heartbeat),
    'the heartbeat fires always, so nothing can be claimed of it',
  )
  .readonly();

export type AlertContract = z.infer<typeof alertContractSchema>;
export type MustFire = AlertContract['mustFire'][number];
export type MustNotFire = AlertContract['mustNotFire'][number];
