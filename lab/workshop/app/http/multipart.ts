// Reads a form as browsers send it with a file in it (multipart/form-data). Works on the bytes where they are, since a file may be large.

export interface Form {
  readonly fields: ReadonlyMap<string, string>;
  /** The part called `file`. */
  readonly file: { readonly name: string; readonly bytes: Buffer } | undefined;
}

const partsMax = 50;
const headerBytesMax = 4_096;
const fieldBytesMax = 100_000;

/** What is no form has no fields and no file: the handler says what it misses. */
export function parseForm(body: Buffer, contentType: string): Form {
  const fields = new Map<string, string>();
  let file: Form['file'];
  for (const { header, bytes } of partsOf(body, contentType)) {
    const name = parameter(header, 'name');
    const fileName = parameter(header, 'filename');
    if (name === undefined) continue;
    if (fileName !== undefined) {
      if (name === 'file' && fileName !== '') file = { name: fileName, bytes };
    } else if (bytes.length <= fieldBytesMax) fields.set(name, bytes.toString());
  }
  return { fields, file };
}

function* partsOf(body: Buffer, contentType: string): Generator<{ header: string; bytes: Buffer }> {
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^;\s"]{1,70}))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (!boundary) return;
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  // The first delimiter has no line before it.
  let at = body.indexOf(delimiter.subarray(2)) - 2;
  if (at < -2) return;
  for (let parts = 0; parts < partsMax; parts += 1) {
    const start = at + delimiter.length + 2;
    if (body.toString('latin1', start - 2, start) !== '\r\n') return;
    const headerEnd = body.indexOf('\r\n\r\n', start - 2);
    const end = headerEnd < 0 ? -1 : body.indexOf(delimiter, headerEnd + 2);
    if (end < 0 || headerEnd - start > headerBytesMax) return;
    yield {
      header: body.toString('utf8', start, Math.max(start, headerEnd)),
      bytes: body.subarray(headerEnd + 4, end),
    };
    at = end;
  }
}

function parameter(header: string, name: string): string | undefined {
  const line = header.split('\r\n').find((each) => /^content-disposition:/i.test(each)) ?? '';
  const found = new RegExp(`;\\s*${name}="((?:[^"\\\\]|\\\\.)*)"`, 'i').exec(line)?.[1];
  // Browsers write a quote as %22; other clients put a backslash before it.
  return found?.replaceAll('%22', '"').replace(/\\(.)/g, '$1');
}
