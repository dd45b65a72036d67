// An exec that was given up goes on in its pod: an inject that was aborted could still act after undo. So what injects runs as a process
// group that the helper knows by a file, undo and the last will end it first, and one that begins later finds the door closed.

/** No other program is started for it: an inject has to be quick. Field 22 of the manual, the twentieth after the command's name. */
const startOf = `
start_of() {
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 0
  set -- \${stat##*) }
  echo "\${20}"
}
`;

/** The same script with the same arguments, in a process group of its own. */
export const injecting = (script: string): string => `
setsid -w sh -c '${`${begin}${script}`.replaceAll("'", `'\\''`)}' sh "$@"
code=$?
rm -f ${injectFile}
exit "$code"
`;

const injectFile = '/dev/shm/inject';
const overFile = '/dev/shm/inject-over';

/**
 * A last will that does nothing unless an inject has left its order, a script, in the helper's memory: what is to be taken back may be known
 * only then, and a helper that goes because prepare refused must leave alone what it found.
 */
export const lastWillOfOrder = '[ ! -r /dev/shm/last-will ] || sh /dev/shm/last-will';

/** For a script that injects, before it does: its next argument is the order. */
export const leaveOrder = `
printf '%s\\n' "$1" >/dev/shm/last-will || exit 8
shift
`;

/** With its start, a process id means one process for good. First it makes itself known and then looks at the door: undo does it the other way round. */
const begin = `${startOf}
echo "$$ $(start_of "$$")" >${injectFile} || exit 8
[ ! -e ${overFile} ] || { echo 'undo has begun, so nothing is put in any more' >&2; exit 9; }
`;

/** Run in the helper before anything is taken back. Right as well when nothing was ever put in. */
export const endInjectScript = `${startOf}
: >${overFile} || exit 8
group= start=
{ read -r group start <${injectFile}; } 2>/dev/null
[ -n "$start" ] || exit 0
now=$(start_of "$group")
[ -z "$now" ] || [ "$now" = "$start" ] || exit 0
[ -z "$now" ] || kill -s KILL -- "-$group" 2>/dev/null
tries=0
while kill -s 0 -- "-$group" 2>/dev/null; do
  [ "$tries" -lt 300 ] || { echo "what injects (process group $group) does not end" >&2; exit 12; }
  tries=$((tries + 1))
  sleep 0.01
done
rm -f ${injectFile}
exit 0
`;
