import { describe, expect, it } from 'vitest';
import { ConfigMistakes, readConfig } from './config.ts';

const good = {
  SITE_HOST: 'erp.test',
  DB_HOST: 'db',
  DB_NAME: 'w',
  DB_USER: 'u',
  DB_PASSWORD: 'hush',
  REDIS_CACHE_URL: 'redis://r:6379',
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
        WORKSHOP_DEFECT: 'nonsense',
        DB_HOST: '',
      });
      expect.fail('was taken');
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigMistakes);
      expect((error as ConfigMistakes).mistakes).toHaveLength(4);
      expect(String(error)).not.toContain('hush');
    }
  });

  it('choose defects by name', () => {
    expect(readConfig({ ...good, WORKSHOP_DEFECT: 'ack-before-commit, ' }).defects).toEqual(['ack-before-commit']);
  });
});
