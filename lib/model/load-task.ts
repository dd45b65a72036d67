// What the driver hands to k6, as one JSON file that only its owner may read: it holds the technicians' tokens and passwords.
import type { Journey } from './claim.ts';
import type { Json } from './fault.ts';

export interface LoadTask {
  /** k6's own options, compiled from the profile: scenarios (one for each journey, of its name), hosts, system tags. */
  readonly options: Json;
  /**
   * Asked before each iteration: 200 go on, with the id of the run that the iteration is for; 410 start nothing more. Nobody there: the
   * suite is dead, the load ends itself.
   */
  readonly permitUrl: string;
  /** In the file that of the first run; each iteration is played with its own. Every marker begins with it. */
  readonly runId: string;
  readonly seed: number;
  readonly site: {
    /** Without a slash at its end. */
    readonly url: string;
    readonly markerField: string;
    readonly company: string;
    readonly warehouse: string;
    /** Undefined when nobody plays what needs it. */
    readonly dockWarehouse?: string;
    readonly jobCards?: { readonly workOrder: string; readonly operation: string };
    readonly barcodes: { readonly pattern: string; readonly itemPattern: string; readonly count: number };
  };
  /** `apiKey:apiSecret`, one for each virtual technician. */
  readonly tokens: readonly string[];
  /** The same technicians' names in the same order, for the record of who wrote what. */
  readonly technicians?: readonly string[];
  /** Of the same technicians in the same order, when somebody logs in with a password. */
  readonly logins?: readonly { readonly user: string; readonly password: string }[];
  readonly requestTimeoutMs: number;
  readonly goodWithinMs: Readonly<Partial<Record<Journey, number>>>;
  readonly barcodes: {
    readonly skew: number;
    readonly missRatio: number;
    readonly hotItems?: { readonly count: number; readonly ratio: number };
  };
  readonly twoStepRatio: number;
}
