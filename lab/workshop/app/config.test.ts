import { describe, expect, it } from 'vitest';
import { ConfigMistakes, readConfig } from './config.ts';

const good = {
  SITE_HOST: 'erp.test',
  DB_HOST: 'db',
  DB_NAME: 'w',
  DB_USER: 'u',
  DB_PASSWORD: 'hush',
  REDIS_CACHE_URL: 'redis://r:6379',
  REDIS_QUEUE_URL: 'redis://q:6379',
};

describe('the settings', () => {
  it('have defaults where one is safe, and no defect', () => {
    expect(readConfig(good)).toMatchObject({
      port: 8000,
      metricsPort: 9180,
      defects: [],
      database: { port: 3306, poolSize: 16 },
    });
  });

  it('name every mistake at once, and no value', () => {
    try {
      readConfig({
        ...good,
        DB_PORT: 'hush',
        REDIS_CACHE_URL: 'http://hush',
        REDIS_QUEUE_URL: undefined,
        WORKSHOP_DEFECT: 'nonsense',
        DB_HOST: '',
      });
      expect.fail('was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigMistakes);
      expect((error as ConfigMistakes).mistakes).toHaveLength(5);
      expect(String(error)).not.toContain('hush');
    }
  });

  it('find Redis by its address or by its Sentinels, never by both or neither', () => {
    expect(readConfig(good).redisCache).toEqual({ url: 'redis://r:6379' });
    const { REDIS_CACHE_URL, REDIS_QUEUE_URL, ...none } = good;
    const passwords = { REDIS_CACHE_PASSWORD: 'p', REDIS_QUEUE_PASSWORD: 'q', REDIS_SENTINEL_PASSWORD: 's' };
    const sentinels = { REDIS_SENTINELS: 'a.b:26379,c:26380', ...passwords };
    expect(readConfig({ ...none, ...sentinels }).redisQueue).toMatchObject({ group: 'queue', password: 'q' });
    expect(readConfig({ ...none, ...sentinels }).redisCache).toEqual({
      sentinels: [
        { host: 'a.b', port: 26379 },
        { host: 'c', port: 26380 },
      ],
      group: 'cache',
      password: 'p',
      sentinelPassword: 's',
    });
    for (const wrong of [
      none,
      { ...none, REDIS_CACHE_URL },
      { ...none, REDIS_QUEUE_URL },
      { ...good, ...sentinels },
      { ...none, REDIS_SENTINELS: 'a,b' },
    ])
      expect(() => readConfig(wrong)).toThrow(ConfigMistakes);
  });

  it('take a bucket whole or not at all, and name what is missing', () => {
    const s3 = { S3_ENDPOINT: 'http://s3:7070', S3_BUCKET: 'attachments', S3_ACCESS_KEY: 'a', S3_SECRET_KEY: 'hush' };
    expect(readConfig(good).s3).toBeUndefined();
    expect(readConfig({ ...good, ...s3 }).s3).toEqual({
      endpoint: 'http://s3:7070',
      bucket: 'attachments',
      accessKey: 'a',
      secretKey: 'hush',
      region: 'us-east-1',
    });
    const mistakes = (given: NodeJS.ProcessEnv) => {
      try {
        return readConfig({ ...good, ...given }) && [];
      } catch (error) {
        expect(String(error)).not.toContain('hush');
        return (error as ConfigMistakes).mistakes.map((mistake) => mistake.split(':')[0]);
      }
    };
    expect(mistakes({ S3_SECRET_KEY: 'hush' })).toEqual(['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY']);
    expect(mistakes({ ...s3, S3_ENDPOINT: 'hush', DB_HOST: '' })).toEqual(['DB_HOST', 'S3_ENDPOINT']);
    expect(mistakes({ ...s3, S3_BUCKET: '../hush' })).toEqual(['S3_BUCKET']);
  });

  it('choose defects by name', () => {
    expect(readConfig({ ...good, WORKSHOP_DEFECT: 'ack-before-commit, ' }).defects).toEqual(['ack-before-commit']);
  });
});
