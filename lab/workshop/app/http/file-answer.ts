// A file on the wire. A browser shows pictures and texts, and saves what could run in the site's name instead of opening it.
import type { Visitor } from '../auth.ts';
import type { Download } from '../files/attachments.ts';
import { type Answer, cookiesFor, htmlAnswer } from './answer.ts';

const shown: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  pdf: 'application/pdf',
  txt: 'text/plain; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
};

export function fileAnswer(download: Download, visitor: Visitor): Answer {
  if (download.is !== 'found')
    return download.is === 'forbidden'
      ? htmlAnswer(403, '403 Forbidden', "You don't have permission to access this file", visitor)
      : htmlAnswer(404, '404 Not Found', 'Page not found', visitor);
  const type = shown[/\.(\w+)$/.exec(download.name)?.[1]?.toLowerCase() ?? ''];
  const name = encodeURIComponent(download.name);
  return {
    status: 200,
    type: type ?? 'application/octet-stream',
    body: download.bytes,
    cookies: cookiesFor(visitor),
    headers: {
      'Content-Disposition': `${type ? 'inline' : 'attachment'}; filename*=UTF-8''${name}`,
      'X-Content-Type-Options': 'nosniff',
      'Content-Security-Policy': "default-src 'none'; sandbox",
    },
  };
}
