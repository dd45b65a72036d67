// What the last self-test showed of this very judge: a gate rests on it, and says so.
import { z } from 'zod';

const count = z.number().int().min(0);

export const selftestSchema = z.strictObject({
  /** When it was made. */
  at: z.iso.datetime(),
  /** `fast` goes over recorded evidence. */
  tier: z.enum(['fast']),
  commit: z.string(),
  /** SHA-256 over what judges and what was judged; another one is another judge's self-test. */
  of: z.string(),
  /** Seeded defects that turned exactly their own checks. */
  caught: count,
  /** Those that did not, and what cried wolf: healthy evidence, or a defect that turned more. None of either, or no gate is ready. */
  missed: z.array(z.string()),
  falseAlarms: z.array(z.string()),
  /** Healthy evidence that was judged. */
  controls: count,
});

export type Selftest = z.infer<typeof selftestSchema>;

/** One that caught nothing is none. */
export const isSound = ({ caught, missed, falseAlarms }: Selftest): boolean =>
  caught > 0 && missed.length === 0 && falseAlarms.length === 0;
