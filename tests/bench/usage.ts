// Loaded into a process that is measured (`--import`): when it ends it tells what it used. Nobody else can: the most memory that a process
// ever had is gone with it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Usage {
  readonly processorSeconds: number;
  readonly memoryMiBMax: number;
}

const folder = process.env.SHAKEDOWN_BENCH_USAGE;
if (folder)
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
    const usage: Usage = { processorSeconds: (userCPUTime + systemCPUTime) / 1e6, memoryMiBMax: maxRSS / 1024 };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(usage));
  });
