// Says to k6, before each iteration, whether it may start and for which run. An interrupt would cut off the answers that are under way, and a
// scan that is cut off leaves no trace: a stall at the end would look better than it was. So the last ones are waited for, with nothing new
// started. The same way one load goes from run to run: each iteration belongs to the one that was on when it was permitted.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Permits {
  readonly url: string;
  readonly granted: number;
  readonly refused: number;
  grantedFor(runId: string): number;
  /** Resolves with the first permit: every virtual user has read its task by then. */
  readonly first: Promise<void>;
  /** From now on iterations are for this run. */
  passTo(runId: string): void;
  withdraw(): void;
  close(): void;
}

export async function openPermits(firstRunId: string): Promise<Permits> {
  const granted = new Map<string, number>();
  let runId = firstRunId;
  let refused = 0;
  let open = true;
  const { promise: first, resolve: started } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    if (open) {
      granted.set(runId, (granted.get(runId) ?? 0) + 1);
      started();
    } else {
      refused += 1;
    }
    // One connection each: virtual users come back after half a minute, hundreds of them.
    response.writeHead(open ? 200 : 410, { connection: 'close', 'content-type': 'text/plain' }).end(open ? runId : '');
  });
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get granted() {
      return [...granted.values()].reduce((sum, count) => sum + count, 0);
    },
    get refused() {
      return refused;
    },
    grantedFor: (run) => granted.get(run) ?? 0,
    first,
    passTo(run) {
      runId = run;
    },
    withdraw() {
      open = false;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
