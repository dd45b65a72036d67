// How passwords, API secrets and session ids are kept: never readable. A password is stretched (people choose it);
// the other two are long and random, so one keyed round is enough and a request stays cheap.
import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const stretch = promisify<string, string, number, Buffer>(scrypt);

export async function sealPassword(password: string): Promise<string> {
  const salt = randomBytes(16).toString('hex');
  return `scrypt$${salt}$${(await stretch(password, salt, 32)).toString('hex')}`;
}

export async function passwordFits(password: string, sealed: string): Promise<boolean> {
  const [kind, salt, sum] = sealed.split('$');
  if (kind !== 'scrypt' || !salt || !sum) return false;
  return timingSafeEqual(await stretch(password, salt, 32), Buffer.from(sum, 'hex'));
}

export function sealSecret(secret: string, salt = randomBytes(8).toString('hex')): string {
  return `hmac-sha256$${salt}$${createHmac('sha256', salt).update(secret).digest('hex')}`;
}

export function secretFits(secret: string, sealed: string): boolean {
  const salt = sealed.split('$')[1];
  if (!salt) return false;
  const mine = Buffer.from(sealSecret(secret, salt));
  const theirs = Buffer.from(sealed);
  return mine.length === theirs.length && timingSafeEqual(mine, theirs);
}

export const newSessionId = (): string => randomBytes(28).toString('hex');

export function sealSessionId(sid: string): string {
  return createHmac('sha256', 'tabSessions').update(sid).digest('hex');
}
