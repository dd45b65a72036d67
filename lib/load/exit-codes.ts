// What k6's exit says, in words. k6 ends with 0 after things that are none of its business and all of ours, so the rest is counted by us.

/** errext/exitcodes/codes.go of k6 2.2; those that an offline run without thresholds can end with. */
const meanings: Readonly<Record<number, string>> = {
  [-1]: 'could not be waited for',
  99: 'thresholds failed, though we set none',
  102: 'timed out',
  103: 'was stopped through its REST API, which we switch off',
  104: 'did not take its options: see k6.log',
  105: 'was interrupted by somebody else',
  106: 'could not open its REST API, which we switch off',
  107: 'could not load its script, or a virtual user could not start: see k6.log',
  108: 'ended itself, because the suite did not answer any more',
  109: 'panicked: see k6.log',
  110: 'was marked as failed by its script',
};

export interface K6Exit {
  readonly exitCode: number | null;
  readonly signal?: string;
  /** We asked it to end; `killed` when it had to be killed for it. */
  readonly asked: boolean;
  readonly killedAfterMs?: number;
  readonly iterations: number;
  readonly operations: number;
  readonly iterationsFailed: number;
  /** Trouble on our own side: a disk that is full, a line that nobody can read. */
  readonly troubles: readonly string[];
}

/** Empty when everything went as asked. */
export function problemOf(exit: K6Exit): string {
  const problems = [...exit.troubles];
  if (exit.killedAfterMs !== undefined) {
    problems.push(`k6 had to be killed: it did not end within ${exit.killedAfterMs} ms of SIGINT`);
  } else if (exit.signal !== undefined) {
    problems.push(`k6 was killed by ${exit.signal}, not by us`);
  } else if (exit.exitCode !== 0 && !(exit.exitCode === 105 && exit.asked)) {
    problems.push(
      `k6 ${meanings[exit.exitCode ?? -1] ?? 'ended for a reason that we do not know'} (exit code ${exit.exitCode})`,
    );
  }
  if (exit.iterationsFailed > 0) {
    problems.push(`the load's own code threw in ${exit.iterationsFailed} iterations: see k6.log`);
  }
  // An exception that nobody caught is an iteration like any other to k6, and no operation to us.
  if (exit.operations < exit.iterations) {
    problems.push(
      `k6 counts ${exit.iterations} iterations, but only ${exit.operations} operations are on record: see k6.log`,
    );
  }
  return problems.join('; ');
}
