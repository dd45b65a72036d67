// What the supervisor is to keep running: written by `lab up`, read once when the supervisor starts.

export interface Daemon {
  readonly name: string;
  readonly namespace: string;
  readonly command: readonly string[];
}

export interface SupervisedNode {
  readonly name: string;
  readonly address: string;
  readonly stateDir: string;
  readonly volumeFile: string;
}

export interface SupervisorPlan {
  readonly startedBy: string;
  /** Hash of everything the cluster is made of; a lab with another one is not this lab. */
  readonly fingerprint: string;
  readonly binDir: string;
  readonly logDir: string;
  readonly socket: string;
  readonly bridge: { readonly name: string; readonly address: string; readonly prefix: number };
  readonly hosts: readonly { readonly namespace: string; readonly address: string }[];
  readonly nodes: readonly SupervisedNode[];
  /** Pod ranges by node address: every host of the lab routes to them. */
  readonly routes: readonly { readonly range: string; readonly via: string }[];
  readonly daemons: readonly Daemon[];
}

export interface SupervisorStatus {
  readonly pid: number;
  readonly startedAt: number;
  readonly startedBy: string;
  readonly fingerprint: string;
  readonly daemons: readonly { readonly name: string; readonly pid: number | null; readonly restarts: number }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly power: 'on' | 'off';
    /** Its network cable. */
    readonly link: 'on' | 'off';
    readonly pid: number | null;
    readonly since: number;
  }[];
}
