// What every part of the workshop is handed: the outside world, and who is asking.
import type { Redis } from 'ioredis';
import type { Cache } from './cache.ts';
import type { Config } from './config.ts';
import type { Database } from './database/database.ts';
import type { Defects } from './defects.ts';
import type { FileStore } from './files/store.ts';
import type { Metrics } from './metrics.ts';

export interface Workshop {
  readonly config: Config;
  readonly database: Database;
  readonly cache: Cache;
  /** The queue's Redis: jobs, and the events of realtime. Commands fail at once while it is down. */
  readonly queue: Redis;
  /** Undefined when there is no place for attachments. */
  readonly files: FileStore | undefined;
  readonly metrics: Metrics;
  readonly defects: Defects;
}

export interface User {
  readonly name: string;
  readonly fullName: string;
  readonly roles: readonly string[];
}

export const guest: User = { name: 'Guest', fullName: 'Guest', roles: ['Guest'] };

/** One company, as in the recordings; the second warehouse starts empty. */
export const company = 'Wind Power LLC';
export const warehouses = ['Stores - WP', 'Dock - WP'] as const;

/** What it says it is: the versions that were recorded. */
const frappe = 'Full stack web framework with Python, Javascript, MariaDB, Redis, Node';
export const versions = {
  frappe: { title: 'Frappe Framework', description: frappe, branch: '', version: '15.72.4' },
  erpnext: { title: 'ERPNext', description: 'Workshop stand-in for ERPNext', branch: '', version: '15.71.1' },
} as const;
