// Everything that k6 must know for one run, put together from the profile, the target and the run.
import type { LoadConfig } from '../model/load-config.ts';
import type { LoadRequest } from '../model/load-driver.ts';
import type { LoadTask } from '../model/load-task.ts';
import type { Target } from '../model/target.ts';
import { planLoad, profileOf, workloadsOf } from './plan.ts';
import { stagesOf } from './shape.ts';
import type { Technician } from './technicians.ts';

/** A Job Card is made, started, completed and submitted. */
const exchangesMax = 4;

export interface TaskParts {
  readonly config: LoadConfig;
  readonly site: Target['site'];
  readonly technicians: readonly Technician[];
  readonly request: Pick<LoadRequest, 'profile' | 'runId' | 'seed' | 'durationMsMax'>;
  readonly permitUrl: string;
  /** IP address, with a port when it is another than the site's; undefined when the host's name is to be resolved. */
  readonly connectTo?: string;
}

/** Throws when the request can't be carried out as it is. */
export function loadTask({ config, site, technicians, request, permitUrl, connectTo }: TaskParts): LoadTask {
  const profile = profileOf(config, request.profile);
  if (technicians.length < profile.technicians) {
    throw new Error(
      `load: profile ${request.profile} wants ${profile.technicians} technicians with a token each, ` +
        `the Secret ${site.technicians.namespace}/${site.technicians.name} has ${technicians.length}`,
    );
  }
  const atWork = technicians.slice(0, profile.technicians);
  // The marker is a document's name too, and names end at 140 characters.
  if (!/^[A-Za-z0-9-]{1,100}$/.test(request.runId)) {
    throw new Error(`load: run id ${JSON.stringify(request.runId)} wants 1 to 100 letters, digits and dashes`);
  }
  const { host } = new URL(site.url);
  const workloads = workloadsOf(config, profile, { site, technicians: atWork });
  if (workloads.length === 0) {
    const lacks = planLoad(config, request.profile, { site, technicians: atWork }).leftOut ?? [];
    throw new Error(
      `load: profile ${request.profile} plays nothing on this target: ${lacks.map(({ journey, why }) => `${journey}, ${why}`).join('; ')}`,
    );
  }
  const durationMs = Math.ceil(request.durationMsMax);
  const logsIn = workloads.some(({ journey }) => journey === 'session-login');
  return {
    options: {
      scenarios: Object.fromEntries(
        workloads.map(({ journey, perHour, shape, virtualUsers }) => [
          journey,
          {
            ...(shape
              ? { executor: 'ramping-arrival-rate', timeUnit: '1h', ...stagesOf(shape, durationMs) }
              : { executor: 'constant-arrival-rate', rate: perHour, timeUnit: '1h', duration: `${durationMs}ms` }),
            // All at once: making virtual users in the middle of a stall costs processor time when there is none to spare.
            preAllocatedVUs: virtualUsers,
            maxVUs: virtualUsers,
            // As many exchanges as the longest journey has, each up to its time-out.
            gracefulStop: `${exchangesMax * config.requestTimeoutMs + 1_000}ms`,
          },
        ]),
      ),
      // Drops are told by it; everything else that k6 would tag is not read by anybody.
      systemTags: ['scenario'],
      // A failover by DNS must be seen; k6 would keep an address for five minutes.
      dns: { ttl: '1s', select: 'first' },
      ...(connectTo ? { hosts: { [host]: connectTo } } : {}),
      noConnectionReuse: false,
      insecureSkipTLSVerify: false,
      userAgent: 'shakedown (k6)',
    },
    permitUrl,
    runId: request.runId,
    seed: request.seed,
    site: {
      url: site.url.replace(/\/+$/, ''),
      markerField: site.markerField,
      company: site.company,
      warehouse: site.warehouse,
      ...(site.dockWarehouse === undefined ? {} : { dockWarehouse: site.dockWarehouse }),
      ...(site.jobCards === undefined ? {} : { jobCards: site.jobCards }),
      barcodes: site.barcodes,
    },
    tokens: atWork.map(({ apiKey, apiSecret }) => `${apiKey}:${apiSecret}`),
    technicians: atWork.map(({ user }) => user),
    ...(logsIn ? { logins: atWork.map(({ user, password = '' }) => ({ user, password })) } : {}),
    requestTimeoutMs: config.requestTimeoutMs,
    goodWithinMs: config.goodWithinMs,
    barcodes: { ...config.barcodes, ...(profile.hotItems ? { hotItems: profile.hotItems } : {}) },
    twoStepRatio: config.twoStepRatio,
  };
}
