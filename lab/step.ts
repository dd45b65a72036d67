// A lab comes up as an ordered set of small steps: each says what it needs, and a step whose work is there already is not done again.
// Steps that don't wait for each other run side by side, since a compiler and a download get along well.
import { setTimeout as sleep } from 'node:timers/promises';

export interface Step {
  readonly name: string;
  /** What is being done, for people. */
  readonly says: string;
  readonly needs: readonly string[];
  /** Only in a full lab. */
  readonly scope?: 'full';
  /** Rough seconds on two cores when the work is to be done; only for the forecast. */
  readonly seconds: number;
  /** True when the work is there already. Looks at the real thing, not at a note that it was once done. */
  done(): Promise<boolean>;
  run(progress: (text: string) => void): Promise<void>;
}

export interface Progress {
  line(text: string): void;
}

export class StepFailed extends Error {
  readonly step: string;
  constructor(step: string, cause: unknown) {
    super(`lab/${step}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.step = step;
  }
}

/** Runs the steps as their needs allow; the first failure lets the others under way finish and is then thrown. */
export async function runSteps(steps: readonly Step[], progress: Progress, signal?: AbortSignal): Promise<void> {
  const settled = new Map<string, Promise<void>>();
  let failure: StepFailed | undefined;
  const todo = new Map<string, boolean>();
  for (const step of steps) todo.set(step.name, !(await step.done()));
  // What stands on something that is made anew is made anew as well.
  for (const step of steps)
    if (step.needs.some((need) => todo.get(need) && steps.some((s) => s.name === need && !s.name.startsWith('cache/'))))
      todo.set(step.name, true);
  const outstanding = steps.filter((step) => todo.get(step.name));
  const forecast = outstanding.reduce((sum, step) => sum + step.seconds, 0);
  if (outstanding.length === 0) return;
  progress.line(`lab: ${outstanding.length} of ${steps.length} steps to do, roughly ${humanSeconds(forecast)}`);
  let finished = 0;
  const runOne = async (step: Step): Promise<void> => {
    for (const need of step.needs) {
      const before = settled.get(need);
      if (!before) throw new Error(`step ${step.name} needs ${need}, which does not come before it`);
      await before;
    }
    if (failure || signal?.aborted || !todo.get(step.name)) return;
    const started = Date.now();
    progress.line(`lab: ${step.says} …`);
    try {
      await step.run((text) => progress.line(`lab: ${step.says}: ${text}`));
    } catch (error) {
      failure ??= new StepFailed(step.name, error);
      return;
    }
    finished += 1;
    progress.line(
      `lab: ${step.says}: done in ${humanSeconds((Date.now() - started) / 1000)} (${finished}/${outstanding.length})`,
    );
  };
  for (const step of steps) settled.set(step.name, runOne(step));
  await Promise.all(settled.values());
  if (failure) throw failure;
  signal?.throwIfAborted();
}

export function humanSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.round(seconds / 60)} min`;
}

/** Asks until it is so. The failure says what was last seen. */
export async function until(what: string, withinMs: number, ask: () => Promise<true | string>): Promise<void> {
  const end = Date.now() + withinMs;
  let seen = '';
  for (;;) {
    const answer = await ask().catch((error: Error) => error.message);
    if (answer === true) return;
    seen = answer;
    if (Date.now() > end) throw new Error(`${what}: not so after ${Math.round(withinMs / 1000)} s; last seen: ${seen}`);
    await sleep(500);
  }
}
