// A picture as a phone sends it, in a form with several parts: no picture that anybody could look at, but bytes of that size and of its
// own for each upload, since a site that knows the bytes already keeps them only once.
import { type Chance, wholeNumber } from './chance.ts';

/** Begins and ends as a JPEG does, with the name as its comment. */
export function photoBytes(chance: Chance, name: string, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 4) {
    const word = wholeNumber(chance, 0, 0xffff_ffff);
    for (let byte = 0; byte < 4 && at + byte < size; byte++) bytes[at + byte] = (word >>> (8 * byte)) & 0xff;
  }
  const comment = asciiBytes(name);
  const length = comment.length + 2;
  bytes.set([0xff, 0xd8, 0xff, 0xfe, length >> 8, length & 0xff, ...comment]);
  bytes.set([0xff, 0xd9], size - 2);
  return bytes;
}

export interface Form {
  readonly contentType: string;
  readonly bytes: ArrayBuffer;
}

/** `multipart/form-data`; made by hand, so that what is sent can be looked at without k6. */
export function formOf(
  boundary: string,
  fields: Readonly<Record<string, string>>,
  file: { readonly name: string; readonly type: string; readonly bytes: Uint8Array },
): Form {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  const head = asciiBytes(
    `${parts.join('')}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: ${file.type}\r\n\r\n`,
  );
  const tail = asciiBytes(`\r\n--${boundary}--\r\n`);
  const bytes = new Uint8Array(head.length + file.bytes.length + tail.length);
  bytes.set(head);
  bytes.set(file.bytes, head.length);
  bytes.set(tail, head.length + file.bytes.length);
  return { contentType: `multipart/form-data; boundary=${boundary}`, bytes: bytes.buffer };
}

/** k6 has no TextEncoder, and markers have no other letters. */
function asciiBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}
