// claim.json → the claim. It says by which rules all the rest is judged, so one that can't be read as a whole is no claim.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Problem } from '../errors.ts';
import type { Claim } from '../model/claim.ts';

const phases = z.array(z.enum(['steady', 'fault', 'recovery', 'after']));
const number = z.number();

/** What the judge reads of it; more may stand there, and what another version wants is left to that version. */
const claimShape = z.looseObject({
  name: z.string(),
  hypothesis: z.string(),
  judgeVersion: number,
  faults: z.array(z.string()),
  objectives: z.array(
    z.looseObject({ name: z.string(), phases, source: z.string(), min: number.optional(), max: number.optional() }),
  ),
  load: z.looseObject({ achievedRatioMin: number, acknowledgedMin: number }),
  ledger: z.looseObject({ nodes: number }),
  jobs: z.looseObject({ lostMax: number, failedMax: number, duplicatedMax: number }).optional(),
  recovery: z.looseObject({ recoveryMsMax: number, windowMs: number, badRatioMax: number }).nullable(),
  blastRadius: z.looseObject({ namespaces: z.array(z.string()), targetsMax: number }),
  needs: z.array(z.string()),
});

/** Of a claim of other rules only this much is looked at. */
const otherClaim = z.looseObject({ name: z.string(), hypothesis: z.string().default(''), judgeVersion: z.unknown() });

/** Rules that this judge knows; evidence for others is refused, so nothing of it needs to be read. */
export const isKnownVersion = ({ judgeVersion }: { readonly judgeVersion: unknown }): boolean => judgeVersion === 1;

/** Throws a usage Problem. */
export async function readClaim(file: string): Promise<Claim> {
  try {
    const json: unknown = JSON.parse(await readFile(file, 'utf8'));
    const any = otherClaim.parse(json);
    return (isKnownVersion(any) ? claimShape.parse(json) : any) as unknown as Claim;
  } catch (cause) {
    throw new Problem({
      kind: 'usage',
      what: "can't be read as a claim",
      where: file,
      seen: cause instanceof z.ZodError ? issueOf(cause) : (cause as Error).message,
      next: 'is this a run folder, and whole?',
      cause,
    });
  }
}

function issueOf({ issues }: z.ZodError): string {
  const [first] = issues;
  return `${first?.path.join('.') || 'all of it'}: ${first?.message ?? 'not understood'}`;
}
