import { describe, expect, it } from 'vitest';
import { keyAndSecret } from './auth.ts';
import { passwordFits, sealPassword, sealSecret, sealSessionId, secretFits } from './credentials.ts';

describe('an Authorization header', () => {
  it('is a token or Basic', () => {
    expect(keyAndSecret('token key:secret')).toEqual({ key: 'key', secret: 'secret' });
    expect(keyAndSecret(`Basic ${Buffer.from('key:se:cret').toString('base64')}`)).toEqual({
      key: 'key',
      secret: 'se:cret',
    });
  });

  it('proves nothing in any other form', () => {
    for (const header of ['token nocolon', 'Basic ###', 'Bearer abc', '', 'token', 'token :x'])
      expect(keyAndSecret(header), header).toBeUndefined();
  });
});

describe('what is kept of a credential', () => {
  it('recognises it and does not contain it', async () => {
    const password = await sealPassword('correct horse');
    expect(await passwordFits('correct horse', password)).toBe(true);
    expect(await passwordFits('correct hors', password)).toBe(false);
    const secret = sealSecret('0123456789abcdef');
    expect(secretFits('0123456789abcdef', secret)).toBe(true);
    expect(secretFits('0123456789abcdee', secret)).toBe(false);
    for (const kept of [password, secret, sealSessionId('0123456789abcdef')])
      expect(kept).not.toMatch(/horse|0123456789abcdef/);
  });

  it('is nothing that anything fits', async () => {
    expect(await passwordFits('', 'plain')).toBe(false);
    expect(secretFits('', '')).toBe(false);
  });
});
