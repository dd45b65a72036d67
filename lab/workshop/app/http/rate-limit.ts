// Frappe's rate limit, off unless the site asks for it: not requests are counted but the time that they took, all visitors together,
// in windows of the clock. Whoever comes when it is used up is sent away before anything else is looked at.
import { Refusal } from '../refusals.ts';
import type { Workshop } from '../workshop.ts';

export interface Allowance {
  readonly exceeded: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** To be told when the request is answered. */
  spent(seconds: number): Promise<void>;
}

const unlimited: Allowance = { exceeded: false, headers: {}, spent: async () => {} };

export async function allowance({ cache, config }: Workshop): Promise<Allowance> {
  const { rateLimit } = config;
  if (!rateLimit) return unlimited;
  const { windowSeconds } = rateLimit;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const key = `rate-limit-counter-${Math.floor(nowSeconds / windowSeconds)}`;
  const microseconds = rateLimit.seconds * 1e6;
  const used = await cache.count(key, 0, windowSeconds);
  const exceeded = used > microseconds;
  const reset = String(windowSeconds - (nowSeconds % windowSeconds));
  return {
    exceeded,
    headers: {
      'X-RateLimit-Reset': reset,
      'X-RateLimit-Limit': String(microseconds),
      // Whole seconds, as recorded.
      'X-RateLimit-Remaining': String(Math.max(0, Math.round((microseconds - used) / 1e6) * 1e6)),
      ...(exceeded ? { 'Retry-After': reset } : {}),
    },
    async spent(seconds) {
      await cache.count(key, Math.max(1, Math.round(seconds * 1e6)), windowSeconds);
    },
  };
}

export const tooManyRequests = (): Refusal => new Refusal({ status: 429, excType: 'TooManyRequestsError' });
