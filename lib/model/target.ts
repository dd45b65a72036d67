// The target file: all that the suite knows of a target. The lab writes its own and has no other way in.
// The schema is the type: what is validated is what the code sees, and `shakedown schema target` publishes it.
import { z } from 'zod';

const name = z.string().regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'wants a Kubernetes name: lower case, digits, dashes');
const selector = z.string().min(1).describe('a label selector as kubectl takes it');
const port = z.number().int().min(1).max(65535);
const secretRef = z
  .strictObject({ namespace: name, name: name })
  .describe('a Secret in the target; its values are never written down');

/** One tier: the pods that a selector finds in a namespace. */
const tier = z.strictObject({
  namespace: name,
  selector,
  container: name.optional(),
  replicasMin: z.number().int().min(1).default(1),
});

/** One Redis, or one master with its replicas. */
const redisTier = tier.extend({
  port: port.default(6379),
  /** Secret with the key `password`; without it no password is sent. */
  credentials: secretRef.optional(),
});

export const targetSchema = z.strictObject({
  schema: z.literal('shakedown.target/1'),
  name,
  environment: z
    .strictObject({
      class: z.enum(['disposable', 'staging', 'production']),
      allowFaultsUntil: z.iso
        .datetime()
        .optional()
        .describe('a target that is not disposable needs this explicit, expiring allowance'),
    })
    .describe('how much may be broken here'),
  kubernetes: z.strictObject({
    kubeconfig: z.string().min(1).describe("a file, or `in-cluster` for a pod's own service account"),
    context: z.string().optional(),
  }),
  /** Where the suite keeps its own objects: tickets, helper pods, the Lease, the guardian. */
  suite: z.strictObject({
    namespace: name,
    helperImage: z.string().min(1),
    guardian: z
      .strictObject({ selector, replicasMin: z.number().int().min(1).default(1) })
      .optional()
      .describe('pods of the guardian in that namespace: without one nothing with a fault is played'),
  }),
  site: z.strictObject({
    url: z.url({ protocol: /^https$/ }),
    /** Connect here instead of resolving the host's name; TLS still verifies the name. */
    connectAddress: z.string().optional(),
    caFile: z.string().optional(),
    dialect: z.enum(['frappe-15']),
    markerField: z.string().default('custom_client_marker'),
    company: z.string(),
    warehouse: z.string(),
    dockWarehouse: z
      .string()
      .min(1)
      .optional()
      .describe('a second warehouse of the company: without it nothing is transferred'),
    jobCards: z
      .strictObject({ workOrder: z.string().min(1), operation: z.string().min(1) })
      .optional()
      .describe('a Work Order and an operation of it that Job Cards may be made for: without it none are'),
    jobs: z
      .strictObject({
        table: z.string().min(1),
        documentField: z.string().min(1).describe("the document's name; the job has it too, under `doc`"),
        idField: z.string().min(1),
        queues: z.array(z.string().min(1)).min(1).describe('names of its queues as RQ has them, after `rq:queue:`'),
      })
      .optional()
      .describe(
        'where the background job that each submitted Stock Entry queues leaves its one row, so that jobs can be counted; without it none are',
      ),
    features: z
      .array(z.enum(['files', 'realtime']))
      .optional()
      .describe(
        'what the site has beside documents; a journey that wants more is left out of the load, and the plan says so',
      ),
    /** Secret whose key `users.json` holds [{user, apiKey, apiSecret, password?, …}]; one virtual technician each. */
    technicians: secretRef,
    barcodes: z.strictObject({
      pattern: z.string().describe('%d or %0Nd stands for the item number, from 0 to count - 1'),
      itemPattern: z.string(),
      count: z.number().int().min(1),
    }),
  }),
  /** Workers by the queue that they look at first. */
  tiers: z.strictObject({
    web: tier,
    'worker-short': tier.optional(),
    'worker-default': tier.optional(),
    'worker-long': tier.optional(),
    scheduler: tier.optional(),
    /** Tells browsers what changes, by Socket.IO; its Service is at the same host under /socket.io/. */
    realtime: tier.optional(),
  }),
  mariadb: tier.extend({
    container: name,
    port: port.default(3306),
    process: z.string().default('mariadbd'),
    database: z.string(),
    /** Secret with keys `username` and `password` of a user that may only read. */
    credentials: secretRef,
    faultCredentials: secretRef
      .optional()
      .describe(
        'keys `username` and `password` of a user that may set read_only; without it no fault changes a setting',
      ),
    /** The user under which the app connects: its connections must all be on one Galera node. */
    appUser: z.string(),
    nodes: z.number().int().min(1).default(3),
  }),
  databaseProxy: tier.optional(),
  /** Work by the clock. */
  cronJobs: z
    .strictObject({ namespace: name, selector })
    .optional()
    .describe('CronJobs of which one may be suspended; without it none is'),
  redis: z.strictObject({
    cache: redisTier,
    queue: redisTier.optional(),
    sentinel: tier
      .extend({
        port: port.default(26379),
        credentials: secretRef.optional(),
        /** Names under which the Sentinels know the groups. */
        masters: z.strictObject({ cache: z.string().min(1), queue: z.string().min(1).optional() }),
      })
      .optional(),
  }),
  ingress: z.strictObject({
    controller: z.enum(['contour']),
    namespace: name,
    selector,
    tlsPort: port.default(8443).describe('of the pods themselves'),
    /** What leads to the site. */
    ingress: z.strictObject({ namespace: name, name, kind: z.enum(['Ingress', 'HTTPProxy']).default('Ingress') }),
    requests: z
      .strictObject({
        completed: z.string().min(1).describe('a selector of counters: every request that was answered'),
        failed: z.string().min(1).describe('of those, the ones that were answered with a 5xx'),
      })
      .optional()
      .describe(
        "how Prometheus counts requests at the ingress, for a second opinion of when users were well again; without it Contour's own Envoys, by TLS",
      ),
  }),
  /** A second host whose certificate lives minutes, so that it may really expire while the site's own does not. */
  drillCertificate: z
    .strictObject({
      host: z.string().min(1),
      /** cert-manager's Certificate. */
      certificate: z.strictObject({ namespace: name, name }),
      lifeMs: z.number().int().min(60_000).describe('from its issue to its expiry'),
      /** The pods that issue it: taking them out of reach keeps it from being renewed. */
      issuer: z.strictObject({ namespace: name, selector, port }),
    })
    .optional(),
  /** Who switches machines, on this machine: the lab's supervisor. */
  nodePower: z.strictObject({ socket: z.string().min(1) }).optional(),
  prometheus: z.strictObject({
    namespace: name,
    selector,
    port: port.default(9090),
    scrapeIntervalMs: z.number().int().min(500),
    evaluationIntervalMs: z
      .number()
      .int()
      .min(500)
      .optional()
      .describe('of its rules; without it the same as the scrape interval'),
    replicas: z.number().int().min(1),
  }),
  alertmanager: z
    .strictObject({ namespace: name, selector, port: port.default(9093) })
    .optional()
    .describe('who calls people: without it nobody looks whether an alert was silenced or inhibited'),
});

export type Target = z.infer<typeof targetSchema>;
