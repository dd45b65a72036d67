// HTTP as the journeys see it. Each virtual user is one technician with a token and connections of their own, kept alive.
import exec from 'k6/execution';
import http from 'k6/http';
import type { LoadTask } from '../lib/model/load-task.ts';
import type { Send } from './turn.ts';

export function sendAs(task: LoadTask): Send {
  const token = task.tokens[(exec.vu.idInTest - 1) % task.tokens.length];
  return (method, path, body) => {
    const response = http.request(method, task.site.url + path, body === undefined ? null : JSON.stringify(body), {
      headers: {
        Accept: 'application/json',
        Authorization: `token ${token}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      timeout: task.requestTimeoutMs,
      // A redirect of a POST would come back as a GET, with an answer to something else.
      redirects: 0,
      responseType: 'text',
      // Frappe answers a token with guest cookies; a scanner that sent sid=Guest back would be a guest to the session check.
      jar: new http.CookieJar(),
    });
    return {
      status: response.status,
      body: typeof response.body === 'string' ? response.body : '',
      error: response.error,
    };
  };
}

/** k6's code for a refused connection. */
const connectionRefused = 1212;

/**
 * Whether one more iteration may start. k6 has no way to let answers under way come in while nothing new is started (an interrupt
 * cuts them off), so the driver is asked. When it is busy we go on; when it is gone nobody records us, and the load ends.
 */
export function permitted(task: LoadTask): boolean {
  const answer = http.get(task.permitUrl, { timeout: 2_000, redirects: 0, jar: new http.CookieJar() });
  if (answer.error_code === connectionRefused) exec.test.abort('nobody records this load any more');
  return answer.status !== 410;
}
