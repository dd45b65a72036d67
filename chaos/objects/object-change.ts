// Changes fields of one API object by merge patch, and puts them back. Fields and our mark come in one patch: without the mark nothing of
// ours is there, even where somebody has set the very value that we would have. The ticket keeps what each field was and what we make of
// it, so undo can tell our own value from a value that somebody set after us: that one is reported and never overwritten.
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Json } from '../../lib/model/fault.ts';
import { runLabel } from '../../lib/model/labels.ts';
import type { ObjectRef, Reach } from '../../lib/model/reach.ts';
import type { Seen } from '../proof.ts';

const json = z.json() as unknown as z.ZodType<Json>;

export const objectChangeSchema = z.strictObject({
  object: z.strictObject({ apiVersion: z.string(), kind: z.string(), namespace: z.string(), name: z.string().min(1) }),
  uid: z.string().min(1),
  /** Null for kinds that have none, such as Kubernetes nodes. */
  generation: z.number().nullable(),
  resourceVersion: z.string(),
  /** A value that is left out stands for a field that is not there. */
  fields: z
    .array(z.strictObject({ path: z.array(z.string()).min(1), before: json.optional(), wanted: json.optional() }))
    .min(1),
});

export type ObjectChange = z.infer<typeof objectChangeSchema>;
type Field = ObjectChange['fields'][number];

interface ApiObject {
  readonly metadata: {
    readonly uid?: string;
    readonly generation?: number;
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** A ticket may have 64 KiB, and holds more than this. */
const bytesMax = 48 * 1024;
/** Controllers write the status of busy objects several times a second; each makes a patch that was meant for the version before fail. */
const triesMax = 10;

/** For prepare: what the patch would change, with what is there now. Throws when that is nothing, or must not stand in a ticket. */
export async function recordChange(reach: Reach, fault: string, ref: ObjectRef, patch: Json): Promise<ObjectChange> {
  const { apiVersion, kind, namespace, name } = ref;
  const object = await read(reach, ref);
  const what = nameOf(ref);
  if (kind === 'Secret') throw new Error(`${fault}: ${what} is a Secret, whose fields must not stand in a ticket`);
  if (!object)
    throw new Error(`${fault}: no ${what}. Next: compare the target file with what kubectl get ${kind} shows`);
  const marks = Object.entries(object.metadata.annotations ?? {}).filter(([key]) => key.startsWith(runLabel));
  const [, owner] = marks.find(([, runId]) => runId !== reach.runId) ?? [];
  if (owner !== undefined) {
    throw new Error(`${fault}: ${what} still carries the mark of run ${owner}. Next: shakedown undo`);
  }
  const fields = leavesOf(patch).map(([path, wanted]): Field => field(path, valueAt(object, path), wanted));
  const changed = fields.filter(({ before, wanted }) => !isDeepStrictEqual(before, wanted));
  if (changed.length === 0) {
    const now = fields.map(({ path, before }) => `${path.join('.')} is ${show(before)} already`).join(', ');
    throw new Error(`${fault}: ${what}: nothing would change, ${now}`);
  }
  for (const { path, before } of changed) {
    if (holdsEnvironment(before)) {
      throw new Error(
        `${fault}: ${what}: ${path.join('.')} holds environment values, which may be secret; not recorded`,
      );
    }
  }
  if (marks.some(([key]) => key === markOf(changed))) {
    throw new Error(`${fault}: ${what}: this run has changed the same fields already. Next: undo that first`);
  }
  const bytes = Buffer.byteLength(JSON.stringify(changed));
  if (bytes > bytesMax)
    throw new Error(`${fault}: ${what}: its fields have ${bytes} bytes, at most ${bytesMax} are recorded`);
  return {
    object: { apiVersion, kind, namespace, name },
    uid: object.metadata.uid ?? '',
    generation: object.metadata.generation ?? null,
    resourceVersion: object.metadata.resourceVersion ?? '',
    fields: changed,
  };
}

/** For inject. Changes nothing when the object, or one of the fields, is no more what was recorded. */
export async function makeChange(change: ObjectChange, reach: Reach): Promise<void> {
  const what = nameOf(change.object);
  await patched(change, reach, (object) => {
    if (!object || object.metadata.uid !== change.uid) {
      throw new Error(
        `${what} is ${object ? 'another object of that name' : 'gone'} since it was recorded; nothing was changed`,
      );
    }
    for (const { path, before } of change.fields) {
      const now = valueAt(object, path);
      if (!isDeepStrictEqual(now, before)) {
        throw new Error(
          `${what}: ${path.join('.')} is ${show(now)} and was ${show(before)} when it was recorded; nothing was changed. Next: run again on a target that is steady`,
        );
      }
    }
    return patchOf([
      ...change.fields.map(({ path, wanted }) => [path, wanted] as const),
      [markPathOf(change), reach.runId],
    ]);
  });
}

/** For landed and holding: read back as wanted, in a later version of that very object. A controller that fought back makes it a no. */
export async function lookAtChange(change: ObjectChange, reach: Reach): Promise<Seen> {
  const object = await read(reach, change.object);
  const { generation = null, resourceVersion = '', uid } = object?.metadata ?? {};
  const fields = change.fields.map(({ path, before, wanted }) => ({
    path,
    before,
    now: valueAt(object, path),
    asWanted: isDeepStrictEqual(valueAt(object, path), wanted),
  }));
  const sameObject = uid === change.uid;
  const later =
    change.generation === null
      ? resourceVersion !== change.resourceVersion
      : generation !== null && generation > change.generation;
  return {
    is: sameObject && later && fields.every(({ asWanted }) => asWanted) ? 'yes' : 'no',
    evidence: {
      object: nameOf(change.object),
      ...(object ? (sameObject ? {} : { sameObject }) : { gone: true }),
      ...(change.generation === null ? {} : { generation: { before: change.generation, now: generation } }),
      fields: Object.fromEntries(
        fields.map(({ path, before, now }) => [path.join('.'), { before: show(before), now: show(now) }]),
      ),
    },
  };
}

/** For undo. Where our mark is, what was recorded goes back in place of our value; what anybody else set meanwhile stays. */
export async function takeBack(change: ObjectChange, reach: Reach): Promise<void> {
  let marked = false;
  await patched(change, reach, (object) => {
    if (!object || !isMarked(change, reach, object)) return undefined;
    marked = true;
    const back = change.fields
      .filter(({ path, wanted }) => isDeepStrictEqual(valueAt(object, path), wanted))
      .map(({ path, before }) => [path, before] as const);
    return patchOf([...back, [markPathOf(change), undefined]]);
  });
  if (marked) takenBack.add(change);
}

/** Whose mark undo itself took away: what somebody had set meanwhile is still told by the search for residue that follows. */
const takenBack = new WeakSet<ObjectChange>();

/** For residue: a line for the mark, and for each field beside it that is not as recorded. Where the mark never was nothing of ours is. */
export async function leftOfChange(change: ObjectChange, reach: Reach): Promise<readonly string[]> {
  const object = await read(reach, change.object);
  const marked = object !== undefined && isMarked(change, reach, object);
  if (!marked && !(takenBack.has(change) && object?.metadata.uid === change.uid)) return [];
  const what = nameOf(change.object);
  return [
    ...change.fields.flatMap(({ path, before, wanted }) => {
      const now = valueAt(object, path);
      if (isDeepStrictEqual(now, before)) return [];
      const where = `${what}: ${path.join('.')}`;
      return marked && isDeepStrictEqual(now, wanted)
        ? [`${where} still is ${show(now)}, was ${show(before)}`]
        : [
            `${where} is ${show(now)}: somebody changed it after we made ${show(wanted)} of ${show(before)}, so it was left`,
          ];
    }),
    ...(marked ? [`${what}: annotation ${markOf(change.fields)} is still there`] : []),
  ];
}

/** As it reads in a sentence: `Deployment erp/web`. */
export const nameOf = ({ kind, namespace, name }: Omit<ObjectRef, 'subresource'>) =>
  `${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`;

export function valueAt(object: unknown, path: readonly string[]): Json | undefined {
  let value = object;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value as Json | undefined;
}

/** One for each change: two of one run on the same object are taken back one by one. */
const markOf = (fields: readonly Field[]) =>
  `${runLabel}-${createHash('sha256')
    .update(JSON.stringify(fields.map(({ path }) => path).sort()))
    .digest('hex')
    .slice(0, 12)}`;

const markPathOf = ({ fields }: ObjectChange) => ['metadata', 'annotations', markOf(fields)] as const;

/** One that was deleted and made again is not ours, unless it was made again from a copy with our mark on it. */
const isMarked = ({ fields }: ObjectChange, reach: Reach, { metadata }: ApiObject) =>
  metadata.annotations?.[markOf(fields)] === reach.runId;

const read = async (reach: Reach, ref: ObjectRef) => (await reach.cluster.get(ref)) as unknown as ApiObject | undefined;

/** Reads, decides, and patches that very version: what somebody writes in between makes it read again. */
async function patched(
  change: ObjectChange,
  reach: Reach,
  decide: (object: ApiObject | undefined) => { readonly [key: string]: Json } | undefined,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const object = await read(reach, change.object);
    const patch = decide(object);
    if (!patch || !object) return;
    const { metadata = {}, ...rest } = patch as { readonly metadata?: object };
    const { resourceVersion = '' } = object.metadata;
    try {
      await reach.cluster.patch(change.object, { ...rest, metadata: { ...metadata, resourceVersion } } as Json);
      return;
    } catch (error) {
      const { code } = error as { readonly code?: number };
      if ((code !== 409 && code !== 404) || tries >= triesMax) throw error;
      await reach.sleep(20 * tries);
    }
  }
}

/** The ends of a merge patch: an object leads on, all else is a value; null takes a field away. */
function leavesOf(patch: Json, path: readonly string[] = []): readonly (readonly [string[], Json | undefined])[] {
  if (patch !== null && typeof patch === 'object' && !Array.isArray(patch)) {
    return Object.entries(patch).flatMap(([key, value]) => leavesOf(value, [...path, key]));
  }
  return [[[...path], patch === null ? undefined : patch]];
}

function patchOf(leaves: readonly (readonly [readonly string[], Json | undefined])[]): {
  readonly [key: string]: Json;
} {
  const patch: Record<string, Json> = {};
  for (const [path, value] of leaves) {
    let at = patch;
    for (const key of path.slice(0, -1)) {
      at[key] ??= {};
      at = at[key] as Record<string, Json>;
    }
    at[path.at(-1) as string] = value ?? null;
  }
  return patch;
}

const field = (path: string[], before: Json | undefined, wanted: Json | undefined): Field => ({
  path,
  ...(before === undefined ? {} : { before }),
  ...(wanted === undefined ? {} : { wanted }),
});

/** `env: [{ name, value }]` anywhere in it. */
function holdsEnvironment(value: Json | undefined): boolean {
  if (value === null || typeof value !== 'object') return false;
  if (Array.isArray(value)) return value.some(holdsEnvironment);
  return Object.entries(value).some(
    ([key, inner]) =>
      (key === 'env' && Array.isArray(inner) && inner.some((one) => valueAt(one, ['value']) !== undefined)) ||
      holdsEnvironment(inner),
  );
}

const show = (value: Json | undefined) => (value === undefined ? 'not there' : JSON.stringify(value).slice(0, 200));
