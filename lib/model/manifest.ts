// What a run's evidence was when it was closed: each file with its size and SHA-256, and the manifest of the run before by its own. A byte
// that changes later is found and named; and a run can't be put in the place of another without a trace in the one that follows it.
import { z } from 'zod';
import type { Instant } from './evidence.ts';

const count = z.number().int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'wants 64 hexadecimal digits');
/** A name and no path, so that nothing outside the folder is ever read. */
const name = z.string().regex(/^(?!\.{1,2}$)[^/\\\0]{1,255}$/, 'wants a name without slashes');

export const manifestSchemaName = 'shakedown.manifest/1';

/** Evidence is in this form: the header of the journal says the same. */
export const evidenceSchemaName = 'shakedown.run/1';

export const manifestSchema = z.strictObject({
  schema: z.literal(manifestSchemaName),
  evidence: z.literal(evidenceSchemaName),
  /** Of the rules that the claim was written for. */
  judgeVersion: count,
  scenario: z.string(),
  runId: z.string(),
  seed: z.number(),
  commit: z.string(),
  /** Software by name, as in the header: shakedown, node, k6, kubernetes, mariadb. */
  versions: z.record(z.string(), z.string()),
  /** Epoch milliseconds: since then nothing is added. */
  closedAt: z.number(),
  /** Null at the beginning of a chain. */
  previous: z
    .strictObject({
      runId: z.string(),
      /** Where it was then: beside this run, or in another gate's folder beside this one's. */
      gate: name.optional(),
      folder: name,
      /** Of its manifest. */
      sha256,
    })
    .nullable(),
  /** In order of their names. */
  files: z.array(z.strictObject({ file: name, bytes: count, sha256 })),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type PreviousRun = NonNullable<Manifest['previous']>;

/** What only the runner knows of a run whose evidence it closes. */
export type ClosedRun = Pick<Manifest, 'scenario' | 'runId' | 'seed' | 'commit' | 'versions' | 'judgeVersion'> & {
  readonly closedAt: Instant;
};

/** How the files of a folder compare with its manifest. */
export interface ManifestCheck {
  /** As the manifest names itself; undefined when there is none that can be read. */
  readonly schema?: string;
  /** Those that are what they were. */
  readonly files: number;
  readonly problems: readonly { readonly file: string; readonly what: string }[];
}
