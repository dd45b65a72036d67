// A technician comes in by the login page, as at the beginning of a shift: password, one scan with the session's cookie, and out again.
// Tokens never touch the sessions; this does, and the password check is the dearest thing that a site does for one request.
import { chanceOf } from '../chance.ts';
import { jsonOf } from '../classify.ts';
import { isDone, resultOf } from '../result.ts';
import { scan } from '../scan.ts';
import type { Plan } from '../turn.ts';

export const sessionLogin: Plan = (task, iteration, technician) => {
  const login = task.logins?.[technician];
  if (!login) throw new Error(`session-login: the task has no password for technician ${technician}`);
  // A code that exists: the answer to one that does not is the same for somebody who is not logged in as for somebody who is.
  const known = { ...task, barcodes: { ...task.barcodes, missRatio: 0 } };
  const look = scan(known, chanceOf(task.seed, 'session-login', iteration));
  return {
    play(send) {
      const body = { usr: login.user, pwd: login.password };
      const entered = send('POST', '/api/method/login', body, { as: 'nobody' });
      const { sid } = entered;
      if (!isDone(entered) || jsonOf(entered)?.message !== 'Logged In' || sid === undefined || sid === 'Guest')
        return resultOf(entered, false);
      const looked = look(send, { as: { sid } });
      // Also after a scan that went badly: a session that is left behind pushes out an older one of the same technician.
      const left = send('POST', '/api/method/logout', undefined, { as: { sid } });
      return looked.right ? resultOf(left, true) : looked;
    },
  };
};
