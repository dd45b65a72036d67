// New connections, tried from inside a pod's network namespace: what the pod's own processes would meet. Told with their times, so that a
// delay can be measured without the app.
import type { Cluster } from '../../lib/model/reach.ts';
import { type Place, runInPlace } from './pod-namespace.ts';

export interface Attempt {
  /** `ADDRESS:PORT`. */
  readonly to: string;
  readonly outcome: 'open' | 'refused' | 'timed out' | 'failed';
  readonly connectMs?: number;
  /** From the beginning to the first byte of an answer, where one was waited for. */
  readonly answerMs?: number;
  readonly why?: string;
}

export interface AttemptOptions {
  /** What is said before an answer is waited for: `PING\\r\\n` to Redis; empty to who speaks first, as MariaDB does. Undefined: none is waited for. */
  readonly hello?: string;
  readonly withinMs?: number;
}

/** All at the same time. `undefined` when the namespace is no more. */
export async function tryConnections(
  cluster: Cluster,
  place: Place,
  to: readonly string[],
  { hello, withinMs = 1_000 }: AttemptOptions = {},
): Promise<readonly Attempt[] | undefined> {
  const args = [String(withinMs / 1000), hello === undefined ? 'none' : `say:${hello}`, ...to];
  const said = await runInPlace(cluster, place, attemptScript, args);
  return said === undefined ? undefined : parseAttempts(said, to);
}

export function parseAttempts(said: string, to: readonly string[]): readonly Attempt[] {
  const lines = said.split('\n');
  const taken = new Set<number>();
  return to.map((address): Attempt => {
    const index = lines.findIndex((line, number) => !taken.has(number) && line.split(' ')[1] === address);
    taken.add(index);
    const [code, , ...rest] = (lines[index] ?? '').split(' ');
    const why = rest.join(' ').trim();
    const open = /^open (\d+)(?: (\d+))?$/.exec(why);
    if (open) {
      const ms = (micros: string) => Math.round(Number(micros) / 100) / 10;
      return {
        to: address,
        outcome: 'open',
        connectMs: ms(open[1] as string),
        ...(open[2] === undefined ? {} : { answerMs: ms(open[2]) }),
      };
    }
    if (code === '124') return { to: address, outcome: 'timed out' };
    if (why.includes('refused')) return { to: address, outcome: 'refused' };
    return { to: address, outcome: 'failed', why: why.slice(-200) || 'said nothing' };
  });
}

/** How many connections there are to these peers. `undefined` when the namespace is no more. */
export async function connectionsTo(
  cluster: Cluster,
  place: Place,
  to: readonly string[],
): Promise<number | undefined> {
  const said = await runInPlace(cluster, place, 'ss -tnH state established');
  return said === undefined ? undefined : parseConnections(said).filter((peer) => to.includes(peer)).length;
}

/** Peers of the connections that `ss -tnH state established` tells. */
export const parseConnections = (said: string): readonly string[] =>
  said
    .split('\n')
    .map((line) => line.trim().split(/\s+/)[3])
    .filter((peer) => peer !== undefined);

/** Arguments: seconds, `none` or `say:…`, and where to. A line for each: exit code, where to, `open CONNECT [ANSWER]` in microseconds or why not. */
export const attemptScript = `
set -f; within=$1 hello=$2; shift 2
for to in "$@"; do
  {
    said=$(timeout "$within" bash -c '
      began=\${EPOCHREALTIME/./}
      exec 3<>"/dev/tcp/\${1%:*}/\${1##*:}" || exit 7
      connected=\${EPOCHREALTIME/./} answered=
      if [ "$2" != none ]; then
        printf %s "\${2#say:}" >&3
        IFS= read -r -N 1 -u 3 byte || { echo "closed without an answer"; exit 8; }
        answered=" $((\${EPOCHREALTIME/./} - began))"
      fi
      echo "open $((connected - began))$answered"' bash "$to" "$hello" 2>&1)
    code=$?
    echo "$code $to $(echo $said)"
  } &
done
wait
`;
