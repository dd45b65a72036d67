// What the lab costs while nobody uses it. Linux only: read from /proc.
import { readdir, readFile } from 'node:fs/promises';

/** Proportional set size of a process and all that it started, in MiB: what is shared counts once. */
export async function memoryMiBBelow(pid: number): Promise<number> {
  const children = new Map<number, number[]>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    if (parent > 0) children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  let kib = 0;
  const left = [pid];
  for (let next = left.pop(); next !== undefined; next = left.pop()) {
    left.push(...(children.get(next) ?? []));
    // A process that ended meanwhile, or a kernel thread, has none.
    const rollup = await readFile(`/proc/${next}/smaps_rollup`, 'utf8').catch(() => '');
    kib += Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0);
  }
  return kib / 1024;
}

/** Cores that the whole machine kept busy meanwhile: an upper bound for the lab's part. */
export async function busyCores(overMs: number): Promise<number> {
  const before = await busyTicks();
  await new Promise((resolve) => setTimeout(resolve, overMs));
  const ticks = (await busyTicks()) - before;
  return ticks / 100 / (overMs / 1000);
}

/** User, nice, system, irq, softirq and steal, in ticks of 10 ms (USER_HZ) over all processors; see proc_stat(5). */
async function busyTicks(): Promise<number> {
  const [first = ''] = (await readFile('/proc/stat', 'utf8')).split('\n');
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = first.split(/\s+/).slice(1).map(Number);
  return user + nice + system + irq + softirq + steal;
}
