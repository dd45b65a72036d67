// The technician's page: one static file, which may run its own script, wear its own style, and speak to its own site, and nothing else.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Answer } from './http/answer.ts';

/** Beside this file in the checkout, beside the bundle in the image. */
const file = join(import.meta.dirname, 'technician.html');
let page: Answer | undefined;

export function technicianPage(): Answer {
  page ??= read(readFileSync(file, 'utf8'));
  return page;
}

function read(body: string): Answer {
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(body, 'script')}`,
    `style-src ${hashOf(body, 'style')}`,
    "connect-src 'self'",
    'img-src data:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    status: 200,
    type: 'text/html; charset=utf-8',
    body,
    cookies: [],
    headers: {
      'Content-Security-Policy': policy.join('; '),
      'Cache-Control': 'no-cache',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    },
  };
}

function hashOf(page: string, tag: 'script' | 'style'): string {
  const found = [...page.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))];
  const [only] = found;
  if (found.length !== 1 || only?.[1] === undefined)
    throw new Error(`workshop/technician-page: ${found.length} of <${tag}>, wanted one`);
  return `'sha256-${createHash('sha256').update(only[1]).digest('base64')}'`;
}
