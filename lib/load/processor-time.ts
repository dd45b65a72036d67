// User and system time of a process, from /proc. Node tells it only for itself, so it is read now and then; the last bit before the end is missed.
import { readFileSync } from 'node:fs';

/** Linux counts in hundredths of a second for user space, on every architecture that Node runs on. */
const ticksPerSecond = 100;

/** From some moment on. */
export interface ProcessorStretch {
  /** Seconds up to the last time that it could be read. */
  readonly seconds: number;
  /** Most seconds that were used within any window of `busiestWindowMs`; of a shorter stretch, all. */
  readonly busiestSeconds: number;
  /** No longer looked at: what it says stays. */
  end(): void;
}

/** The process's whole life is a stretch too. */
export interface ProcessorTime extends ProcessorStretch {
  /** A stretch that begins now. */
  begin(): ProcessorStretch;
  stop(): void;
}

/** Long enough that the start of hundreds of virtual users, a second of all processors, is no shortage; shorter than any fault. */
export const busiestWindowMs = 5_000;

export function watchProcessorTime(
  pid: number,
  everyMs = 250,
  now = () => performance.now(),
  readSeconds = readProcessorSeconds,
): ProcessorTime {
  let seconds = 0;
  const stretches = new Set<(at: number) => void>();
  const read = () => {
    seconds = readSeconds(pid) ?? seconds;
    const at = now();
    for (const look of stretches) look(at);
  };
  const whole = begin();
  const timer = setInterval(read, everyMs);
  timer.unref();
  read();
  return {
    get seconds() {
      return whole.seconds;
    },
    get busiestSeconds() {
      return whole.busiestSeconds;
    },
    end: whole.end,
    begin() {
      read();
      return begin();
    },
    stop() {
      read();
      clearInterval(timer);
    },
  };

  function begin(): ProcessorStretch {
    const first = seconds;
    let used = 0;
    let busiestSeconds = 0;
    let window: { readonly at: number; readonly seconds: number }[] = [{ at: now(), seconds }];
    const look = (at: number) => {
      used = seconds - first;
      window = [...window.filter((one) => at - one.at <= busiestWindowMs), { at, seconds }];
      busiestSeconds = Math.max(busiestSeconds, seconds - (window[0]?.seconds ?? 0));
    };
    stretches.add(look);
    return {
      get seconds() {
        if (stretches.has(look)) read();
        return used;
      },
      get busiestSeconds() {
        return busiestSeconds;
      },
      end() {
        read();
        stretches.delete(look);
      },
    };
  }
}

function readProcessorSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; utime and stime are fields 14 and 15, counted from 1.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isFinite(ticks) && ticks > 0 ? ticks / ticksPerSecond : undefined;
  } catch {
    return undefined;
  }
}
