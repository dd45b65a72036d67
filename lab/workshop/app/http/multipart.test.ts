import { describe, expect, it } from 'vitest';
import { parseForm } from './multipart.ts';

const type = 'multipart/form-data; boundary=----x';
const part = (header: string, content: string) =>
  `------x\r\nContent-Disposition: form-data; ${header}\r\n\r\n${content}\r\n`;
const form = (...parts: string[]) => Buffer.from(`${parts.join('')}------x--\r\n`);

describe('a form with a file', () => {
  it('has its fields, and the file byte by byte', async () => {
    const bytes = new Uint8Array(256).map((_, index) => index);
    const sent = new FormData();
    sent.set('is_private', '1');
    sent.set('docname', 'PO-JOB00001');
    sent.set('file', new Blob([bytes, '\r\n--', bytes]), 'bräke "disc".jpg');
    const encoded = new Response(sent);
    const read = parseForm(Buffer.from(await encoded.clone().arrayBuffer()), encoded.headers.get('content-type') ?? '');
    expect(Object.fromEntries(read.fields)).toEqual({ is_private: '1', docname: 'PO-JOB00001' });
    expect(read.file?.name).toBe('bräke "disc".jpg');
    expect(read.file?.bytes).toEqual(Buffer.concat([bytes, Buffer.from('\r\n--'), bytes]));
  });

  it('may have an empty file, and text before the first part', () => {
    const read = parseForm(
      Buffer.concat([Buffer.from('preamble\r\n'), form(part('name="file"; filename="a"', ''))]),
      type,
    );
    expect(read.file).toEqual({ name: 'a', bytes: Buffer.alloc(0) });
  });

  it('takes the last of two files, and none without a name', () => {
    const two = form(part('name="file"; filename="a"', '1'), part('name="file"; filename="b"', '2'));
    expect(parseForm(two, type).file?.name).toBe('b');
    expect(parseForm(form(part('name="file"; filename=""', '1')), type).file).toBeUndefined();
  });

  it.each([
    ['no boundary', form(part('name="a"', '1')), 'multipart/form-data'],
    ['another boundary', form(part('name="a"', '1')), 'multipart/form-data; boundary=other'],
    ['nothing', Buffer.alloc(0), type],
    ['a part that never ends', Buffer.from(part('name="a"', '1')), type],
    ['a header that never ends', Buffer.from('------x\r\nContent-Disposition: form-data; name="a"'), type],
    ['a part without a name', form(part('filename="a"', '1')), type],
  ])('is empty with %s', (_, body, contentType) => {
    const read = parseForm(body, contentType);
    expect([read.fields.size, read.file]).toEqual([0, undefined]);
  });
});
