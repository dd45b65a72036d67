// What is being done and how far it is, on standard error: one line that is rewritten on a terminal, plain lines elsewhere.
import type { Progress } from '../lib/runner/run-scenario.ts';

const seconds = (ms: number): string => (ms < 90_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

export interface ProgressLine {
  say(text: string): void;
  scenario(progress: Progress): void;
  /** Leaves the line that is being rewritten, so that what follows begins on its own. */
  end(): void;
}

/** Where lines stay, one is enough for each new thing, and one every 15 s so that nobody wonders. */
const plainEveryMs = 15_000;

export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let last = { what: '', elapsedMs: 0 };
  let onLine = false;
  return {
    say(text) {
      stream.write(stream.isTTY ? `\r\x1b[2K${text}\n` : `${text}\n`);
      onLine = false;
    },
    scenario({ scenario, text, elapsedMs, expectedMs }) {
      const left = Math.max(0, expectedMs - elapsedMs);
      const line = `${scenario}  ${seconds(elapsedMs).padStart(6)}  ${text}${left > 0 ? `  (about ${seconds(left)} to go)` : ''}`;
      if (stream.isTTY) {
        onLine = true;
        return void stream.write(`\r\x1b[2K${line.slice(0, (stream.columns || 100) - 1)}`);
      }
      const what = `${scenario} ${text.replace(/,? *(at most )?\d+ s (left|more).*$/, '')}`;
      if (what === last.what && elapsedMs - last.elapsedMs < plainEveryMs) return;
      last = { what, elapsedMs };
      stream.write(`${line}\n`);
    },
    end() {
      if (onLine) stream.write('\n');
      onLine = false;
    },
  };
}
