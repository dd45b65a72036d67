// What the lab costs while nobody uses it. Linux only: read from /proc.
import { readdir, readFile } from 'node:fs/promises';

/** Proportional set size of a process and all that it started, in MiB: what is shared counts once. */
export async function memoryMiBBelow(pid: number): Promise<number> {
  let kib = 0;
  for (const { pid: one } of await processesBelow(pid)) {
    // A process that ended meanwhile has none.
    const rollup = await readFile(`/proc/${one}/smaps_rollup`, 'utf8').catch(() => '');
    kib += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** Cores that a process and all that it started kept busy meanwhile. */
export async function busyCoresBelow(pid: number, overMs: number): Promise<number> {
  const ticks = async () => (await processesBelow(pid)).reduce((sum, one) => sum + one.ticks, 0);
  const before = await ticks();
  await new Promise((resolve) => setTimeout(resolve, overMs));
  return ((await ticks()) - before) / 100 / (overMs / 1000);
}

interface Process {
  readonly pid: number;
  /** User and system time in ticks of 10 ms (USER_HZ), that of ended children included: what a process used is not lost when it ends. */
  readonly ticks: number;
}

/** See proc_pid_stat(5): the fields after the command's name, which may hold anything. */
async function processesBelow(pid: number): Promise<readonly Process[]> {
  const children = new Map<number, Process[]>();
  let root: Process | undefined;
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const process = { pid: Number(entry), ticks: [11, 12, 13, 14].reduce((sum, at) => sum + (fields[at] ?? 0), 0) };
    if (process.pid === pid) root = process;
    children.set(fields[1] ?? 0, [...(children.get(fields[1] ?? 0) ?? []), process]);
  }
  const found: Process[] = [];
  const left = root ? [root] : [];
  for (let next = left.pop(); next; next = left.pop()) {
    found.push(next);
    left.push(...(children.get(next.pid) ?? []));
  }
  return found;
}
