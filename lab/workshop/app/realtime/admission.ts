// Who may connect, as Frappe's middleware asks: the namespace is the site, the page comes from the site, and a session or an API key says
// who it is. A refusal is told to the client in words.
import type { IncomingMessage } from 'node:http';
import { identify } from '../auth.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import { readRequest } from '../http/request.ts';
import { log } from '../log.ts';
import { Refusal } from '../refusals.ts';
import type { User } from '../workshop.ts';

/** Asks the database anew at each call, so that nobody stays who is no longer. Throws with the words for the client. */
export type WhoIsIt = () => Promise<User>;

export function admission(config: Config, database: Database, request: IncomingMessage): WhoIsIt {
  const { headers } = request;
  const sid = readRequest(request).cookies.get('sid');
  return async () => {
    const host = headers.origin === undefined ? undefined : URL.parse(headers.origin)?.hostname;
    if (host !== config.siteHost && !config.siteDomains.some((domain) => domain === host))
      throw new Error('Invalid origin');
    if (!sid && headers.authorization === undefined)
      throw new Error('No authentication method used. Use cookie or authorization header.');
    try {
      const proof = { method: 'GET', authorization: headers.authorization, sid, csrfToken: undefined };
      const { visitor, refusal } = await identify(database, proof);
      if (refusal) throw refusal;
      return visitor.user;
    } catch (error) {
      if (error instanceof Refusal) throw new Error(`Unauthorized: ${error.message}`);
      log('warning', 'nobody can be identified', { reason: error instanceof Error ? error.message : String(error) });
      throw new Error('Unauthorized: the site could not be asked');
    }
  };
}
