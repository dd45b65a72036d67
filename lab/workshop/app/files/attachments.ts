// Attachments: bytes in the file store, a File document in the database. The bytes come first, so an upload that is cut off may leave bytes
// that nobody knows of, but never a document whose bytes are not there. Nothing is deleted, for the same reason.
import { createHash } from 'node:crypto';
import type { Row } from '../database/database.ts';
import { tableOf } from '../database/schema.ts';
import { insertRows, type Values } from '../database/write-rows.ts';
import { findDoctype, may, toDocument } from '../doctypes.ts';
import { toNumber } from '../fields.ts';
import type { Form } from '../http/multipart.ts';
import { inTurn } from '../in-turn.ts';
import { newRowName } from '../naming.ts';
import { missingFields, notInWorkshop, Refusal, thrown } from '../refusals.ts';
import { mayCreate } from '../resources.ts';
import { now } from '../stock-entry.ts';
import type { User, Workshop } from '../workshop.ts';
import { type FileStore, StoreFailed } from './store.ts';

/** ERPNext's default. */
export const fileBytesMax = 25 * 1024 * 1024;
const nameLengthMax = 140;
/** Each is held in memory whole. */
const uploads = inTurn(4);
const emptyForm: Form = { fields: new Map(), file: undefined };

/** `upload_file`, as a browser's form sends it: the field `file`, and beside it is_private, doctype, docname, fieldname, folder. */
export async function uploadFile(
  workshop: Workshop,
  user: User,
  readForm: (() => Promise<Form>) | undefined,
): Promise<Record<string, unknown>> {
  if (user.name === 'Guest') throw new Refusal({ status: 403, excType: 'PermissionError' });
  storeOf(workshop);
  return uploads(async () => keepFile(workshop, user, readForm ? await readForm() : emptyForm));
}

async function keepFile(workshop: Workshop, user: User, form: Form): Promise<Record<string, unknown>> {
  const field = (name: string): string | null => form.fields.get(name) || null;
  const doctype = field('doctype');
  if (doctype) mayCreate(user, doctype);
  if (!form.file) {
    if (field('file_url')) throw notInWorkshop('A File that is only a link');
    throw missingFields(
      'File',
      [{ name: 'file_name', says: 'Fields file_name or file_url must be set for File' }],
      'File',
    );
  }
  const { bytes } = form.file;
  if (bytes.length > fileBytesMax) throw tooBig();
  const store = storeOf(workshop);
  const isPrivate = toNumber(field('is_private') ?? 0) !== 0;
  const contentHash = createHash('md5').update(bytes).digest('hex');
  const fileName = safeFileName(form.file.name);
  const known = await knownUrl(workshop, store, contentHash, isPrivate);
  const fileUrl = known ?? (await storeBytes(store, fileName, isPrivate, bytes, contentHash));
  const row: Values = {
    ...Object.fromEntries(tableOf('tabFile').columns.map(({ name, default: value }) => [name, value])),
    name: newRowName(),
    owner: user.name,
    modified_by: user.name,
    file_name: known ? fileName : (fileUrl.split('/').at(-1) ?? fileName),
    file_type: /\.(\w{1,10})$/.exec(fileName)?.[1]?.toUpperCase() ?? null,
    is_private: isPrivate ? 1 : 0,
    file_size: bytes.length,
    file_url: fileUrl,
    folder: field('folder') ?? (doctype ? 'Home/Attachments' : 'Home'),
    attached_to_doctype: doctype,
    attached_to_name: field('docname'),
    attached_to_field: field('fieldname'),
    content_hash: contentHash,
  };
  await workshop.database.transaction(async (session) => {
    const at = await now(session);
    row.creation = at;
    row.modified = at;
    await insertRows(session, 'tabFile', [row]);
  });
  const type = findDoctype('File');
  if (!type) throw new Error('workshop/files: doctype File is not registered');
  return toDocument(type, row as Row);
}

export type Download =
  | { readonly is: 'found'; readonly bytes: Buffer; readonly name: string }
  | { readonly is: 'forbidden' | 'missing' };

/** Public files are for anybody who has the address, as nginx serves them; a private one is for its owner and who may read what it hangs on. */
export async function downloadFile(
  workshop: Workshop,
  user: User,
  name: string,
  isPrivate: boolean,
): Promise<Download> {
  if (!isPlainName(name)) return { is: isPrivate ? 'forbidden' : 'missing' };
  if (isPrivate) {
    const rows = await workshop.database.rows(
      'SELECT owner, attached_to_doctype FROM tabFile WHERE file_url = ? AND is_private = 1',
      [urlOf(name, true)],
    );
    if (!rows.some((row) => mayRead(user, row))) return { is: 'forbidden' };
  }
  const bytes = await said(() => storeOf(workshop).get(keyOf(name, isPrivate)));
  return bytes ? { is: 'found', bytes, name } : { is: 'missing' };
}

function mayRead(user: User, row: Row): boolean {
  if (user.name === 'Guest') return false;
  if (user.name === row.owner || user.name === 'Administrator') return true;
  const type = typeof row.attached_to_doctype === 'string' ? findDoctype(row.attached_to_doctype) : undefined;
  return type !== undefined && may(user, type.readBy);
}

/** The same bytes are kept once: a second document shows to where the first has them, if they are still there. */
async function knownUrl(
  workshop: Workshop,
  store: FileStore,
  contentHash: string,
  isPrivate: boolean,
): Promise<string | undefined> {
  const [row] = await workshop.database.rows(
    'SELECT file_url FROM tabFile WHERE content_hash = ? AND is_private = ? ORDER BY creation LIMIT 1',
    [contentHash, isPrivate ? 1 : 0],
  );
  if (typeof row?.file_url !== 'string') return undefined;
  const name = row.file_url.split('/').at(-1) ?? '';
  return (await said(() => store.has(keyOf(name, isPrivate)))) ? row.file_url : undefined;
}

/** Under its own name, or when another file has that, with the end of its hash in it. Bytes left behind by a cut-off upload are taken over. */
async function storeBytes(
  store: FileStore,
  fileName: string,
  isPrivate: boolean,
  bytes: Buffer,
  contentHash: string,
): Promise<string> {
  for (const suffix of ['', contentHash.slice(-6), contentHash]) {
    const name = withSuffix(fileName, suffix);
    const key = keyOf(name, isPrivate);
    const stored = await said(() => store.put(key, bytes));
    if (stored === 'stored' || (await said(() => store.get(key)))?.equals(bytes)) return urlOf(name, isPrivate);
  }
  throw new Error(`workshop/files: three names for ${contentHash} are taken by other bytes`);
}

const urlOf = (name: string, isPrivate: boolean): string => `${isPrivate ? '/private' : ''}/files/${name}`;
const keyOf = (name: string, isPrivate: boolean): string => `${isPrivate ? 'private' : 'public'}/files/${name}`;

function withSuffix(fileName: string, suffix: string): string {
  const [, stem = fileName, extension = ''] = /^(.+?)(\.\w{1,10})?$/s.exec(fileName) ?? [];
  return `${stem}${suffix}${extension}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const oddCharacter = /[/\\%?#\u0000-\u001f\u007f]/g;

const isPlainName = (name: string): boolean => name === name.replace(oddCharacter, '_') && !/^\./.test(name);

/** No path, nothing hidden, nothing that a URL or a terminal would take amiss. */
export function safeFileName(given: string): string {
  const plain = given.toWellFormed().replace(oddCharacter, '_').replace(/^\.+/, '_');
  const [, stem = plain, extension = ''] = /^(.*?)(\.\w{1,10})?$/s.exec(plain) ?? [];
  // Room for the hash, and file systems count bytes.
  let short = stem || 'file';
  while (Buffer.byteLength(short + extension) > nameLengthMax - 40) short = [...short].slice(0, -1).join('');
  return `${short}${extension}`;
}

function storeOf({ files }: Workshop): FileStore {
  if (!files) throw notInWorkshop('A file store (neither FILES_DIR nor S3_ENDPOINT is set); without it an attachment');
  return files;
}

/** A failure of the store, told as Python's OSError. */
async function said<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreFailed)) throw error;
    const text = error.errno === undefined ? error.message : `[Errno ${error.errno}] ${error.message}`;
    throw new Refusal({ status: 500, excType: 'OSError', module: '', text });
  }
}

function tooBig(): Refusal {
  const text = `File size exceeded the maximum allowed size of ${(fileBytesMax / 1024 / 1024).toFixed(1)} MB`;
  return new Refusal({
    status: 417,
    excType: 'MaxFileSizeReachedError',
    module: 'frappe.core.doctype.file.exceptions',
    text,
    messages: [thrown(text)],
  });
}
