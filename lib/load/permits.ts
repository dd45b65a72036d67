// Says to k6, before each iteration, whether it may start. An interrupt would cut off the answers that are under way, and a scan that
// is cut off leaves no trace: a stall at the end would look better than it was. So the last ones are waited for, with nothing new started.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Permits {
  readonly url: string;
  readonly granted: number;
  readonly refused: number;
  /** Resolves with the first permit: every virtual user has read its task by then. */
  readonly first: Promise<void>;
  withdraw(): void;
  close(): void;
}

export async function openPermits(): Promise<Permits> {
  let granted = 0;
  let refused = 0;
  let open = true;
  const { promise: first, resolve: started } = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    if (open) {
      granted += 1;
      started();
    } else {
      refused += 1;
    }
    // One connection each: virtual users come back after half a minute, hundreds of them.
    response.writeHead(open ? 204 : 410, { connection: 'close' }).end();
  });
  server.listen(0, '127.0.0.1');
  await new Promise<void>((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    get granted() {
      return granted;
    },
    get refused() {
      return refused;
    },
    first,
    withdraw() {
      open = false;
    },
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
