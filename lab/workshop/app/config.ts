// Everything the workshop is told from outside, checked in one go: a start with three mistakes names three, not the first.
import { z } from 'zod';
import { type DefectName, defectNames } from './defects.ts';

const port = z.coerce.number().int().min(1).max(65_535);

const s3Names = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY', 'S3_SECRET_KEY'] as const;

const environment = z
  .object({
    SITE_HOST: z.string().min(1),
    // Further names under which the site answers, as a bench's custom domains.
    SITE_DOMAINS: z
      .string()
      .default('')
      .transform((list) => list.split(',').flatMap((name) => name.trim() || [])),
    DB_HOST: z.string().min(1),
    DB_PORT: port.default(3306),
    DB_NAME: z.string().regex(/^\w{1,64}$/, 'is not a plain database name'),
    DB_USER: z.string().min(1),
    DB_PASSWORD: z.string(),
    // With it the database is only spoken to by TLS, and only when a CA of this file vouches for its name.
    DB_TLS_CA_FILE: z.string().startsWith('/', 'is no absolute path').optional(),
    DB_POOL_SIZE: z.coerce.number().int().min(1).max(200).default(16),
    // Cache and queue: each one Redis by its address, or both the groups of those names that Sentinels watch.
    REDIS_CACHE_URL: z.url({ protocol: /^rediss?$/ }).optional(),
    REDIS_QUEUE_URL: z.url({ protocol: /^rediss?$/ }).optional(),
    REDIS_SENTINELS: z
      .string()
      .regex(/^[\w.-]+:\d+(,[\w.-]+:\d+)*$/, 'is not host:port, comma, host:port …')
      .optional(),
    REDIS_SENTINEL_PASSWORD: z.string().optional(),
    REDIS_CACHE_PASSWORD: z.string().optional(),
    REDIS_QUEUE_PASSWORD: z.string().optional(),
    PORT: port.default(8000),
    SOCKETIO_PORT: port.default(9000),
    METRICS_PORT: port.default(9180),
    USERS_FILE: z.string().min(1).optional(),
    // The folder that all web pods share; without it there are no attachments.
    FILES_DIR: z.string().startsWith('/', 'is no absolute path').optional(),
    // A bucket that attachments are kept in, beside the folder or in place of it.
    S3_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
    S3_BUCKET: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "is no bucket's name")
      .optional(),
    S3_ACCESS_KEY: z.string().min(1).optional(),
    S3_SECRET_KEY: z.string().min(1).optional(),
    S3_REGION: z.string().min(1).default('us-east-1'),
    // site_config's allow_error_traceback: without it nobody is told exceptions and tracebacks.
    ERROR_TRACEBACK: z.enum(['0', '1']).default('1'),
    // site_config's rate_limit: so many seconds of requests in a window of so many.
    RATE_LIMIT: z
      .string()
      .regex(/^\d+(\.\d+)?\/\d+$/, 'is not seconds/window')
      .optional(),
    // How often workers give up the jobs of dead ones, and how often the scheduler looks. Frappe's own: 600 and 240.
    REGISTRY_CLEANUP_SECONDS: z.coerce.number().int().min(1).max(3600).default(30),
    SCHEDULER_TICK_SECONDS: z.coerce.number().int().min(1).max(3600).default(30),
    WORKSHOP_DEFECT: z
      .string()
      .default('')
      .transform((list) => list.split(',').flatMap((name) => name.trim() || []))
      .pipe(z.array(z.enum(defectNames))),
  })
  .refine((given) => (given.REDIS_CACHE_URL === undefined) !== (given.REDIS_SENTINELS === undefined), {
    path: ['REDIS_CACHE_URL'],
    message: 'give either it or REDIS_SENTINELS',
    when: () => true,
  })
  .refine((given) => (given.REDIS_QUEUE_URL === undefined) !== (given.REDIS_SENTINELS === undefined), {
    path: ['REDIS_QUEUE_URL'],
    message: 'give either it or REDIS_SENTINELS',
    when: () => true,
  })
  .superRefine(
    (given, context) => {
      for (const name of s3Names)
        if (given[name] === undefined && s3Names.some((other) => given[other] !== undefined))
          context.addIssue({ code: 'custom', path: [name], message: `give all of ${s3Names.join(', ')}, or none` });
    },
    { when: () => true },
  );

export interface Config {
  readonly siteHost: string;
  readonly siteDomains: readonly string[];
  readonly database: DatabaseConfig;
  readonly redisCache: RedisAddress;
  readonly redisQueue: RedisAddress;
  readonly port: number;
  readonly socketioPort: number;
  readonly metricsPort: number;
  readonly usersFile: string | undefined;
  readonly filesDir: string | undefined;
  readonly s3: S3Config | undefined;
  readonly errorTraceback: boolean;
  readonly rateLimit: RateLimit | undefined;
  readonly registryCleanupSeconds: number;
  readonly schedulerTickSeconds: number;
  readonly defects: readonly DefectName[];
}

export interface RateLimit {
  readonly seconds: number;
  readonly windowSeconds: number;
}

/** Where a Redis is: at one address, or wherever Sentinels say that the master of a group is now. */
export type RedisAddress =
  | { readonly url: string }
  | {
      readonly sentinels: readonly { readonly host: string; readonly port: number }[];
      readonly group: string;
      readonly password: string | undefined;
      readonly sentinelPassword: string | undefined;
    };

export interface DatabaseConfig {
  readonly host: string;
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  readonly poolSize: number;
  readonly tlsCaFile: string | undefined;
}

export interface S3Config {
  readonly endpoint: string;
  readonly bucket: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export class ConfigMistakes extends Error {
  readonly mistakes: readonly string[];
  constructor(mistakes: readonly string[]) {
    super(`workshop/config: ${mistakes.join('; ')}. Next: set these in the environment and start again`);
    this.mistakes = mistakes;
  }
}

/** Throws ConfigMistakes naming every mistake; never repeats a value, since it may be a password. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const read = environment.safeParse(env);
  if (!read.success)
    throw new ConfigMistakes(read.error.issues.map((issue) => `${issue.path[0]?.toString() ?? '?'}: ${issue.message}`));
  const given = read.data;
  return {
    siteHost: given.SITE_HOST,
    siteDomains: given.SITE_DOMAINS,
    database: {
      host: given.DB_HOST,
      port: given.DB_PORT,
      name: given.DB_NAME,
      user: given.DB_USER,
      password: given.DB_PASSWORD,
      poolSize: given.DB_POOL_SIZE,
      tlsCaFile: given.DB_TLS_CA_FILE,
    },
    redisCache: redisAddress('cache', given.REDIS_CACHE_URL, given),
    redisQueue: redisAddress('queue', given.REDIS_QUEUE_URL, given),
    port: given.PORT,
    socketioPort: given.SOCKETIO_PORT,
    metricsPort: given.METRICS_PORT,
    usersFile: given.USERS_FILE,
    filesDir: given.FILES_DIR,
    s3: s3(given),
    errorTraceback: given.ERROR_TRACEBACK === '1',
    rateLimit: rateLimit(given.RATE_LIMIT),
    registryCleanupSeconds: given.REGISTRY_CLEANUP_SECONDS,
    schedulerTickSeconds: given.SCHEDULER_TICK_SECONDS,
    defects: given.WORKSHOP_DEFECT,
  };
}

function s3({
  S3_ENDPOINT,
  S3_BUCKET,
  S3_ACCESS_KEY,
  S3_SECRET_KEY,
  S3_REGION,
}: z.infer<typeof environment>): S3Config | undefined {
  if (!S3_ENDPOINT || !S3_BUCKET || !S3_ACCESS_KEY || !S3_SECRET_KEY) return undefined;
  return {
    endpoint: S3_ENDPOINT,
    bucket: S3_BUCKET,
    accessKey: S3_ACCESS_KEY,
    secretKey: S3_SECRET_KEY,
    region: S3_REGION,
  };
}

function rateLimit(text: string | undefined): RateLimit | undefined {
  const [seconds, windowSeconds] = (text ?? '').split('/').map(Number);
  return seconds !== undefined && windowSeconds ? { seconds, windowSeconds } : undefined;
}

function redisAddress(
  group: 'cache' | 'queue',
  url: string | undefined,
  given: z.infer<typeof environment>,
): RedisAddress {
  if (url !== undefined) return { url };
  return {
    sentinels: (given.REDIS_SENTINELS ?? '').split(',').map((one) => {
      const [host = '', port] = one.split(':');
      return { host, port: Number(port) };
    }),
    group,
    password: group === 'cache' ? given.REDIS_CACHE_PASSWORD : given.REDIS_QUEUE_PASSWORD,
    sentinelPassword: given.REDIS_SENTINEL_PASSWORD,
  };
}
