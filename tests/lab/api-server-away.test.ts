// The API server is away for 20 s in the middle of a fault, longer than a run's heartbeat may be missing: the run ends, what it did is undone
// once the API server is back, and nobody concludes anything.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { until } from '../../lab/step.ts';
import { supervisorStatus } from '../../lab/supervisor/client.ts';
import { keptInTarget, openLab } from '../faults/hanging-suite.ts';
import { playUntil } from './play-until.ts';

async function apiServer(): Promise<number> {
  const daemon = (await supervisorStatus())?.daemons.find(({ name }) => name.includes('apiserver'));
  if (!daemon?.pid) throw new Error('the lab has no API server to stop');
  return daemon.pid;
}

it('a run whose API server is away ends, and leaves nothing', async () => {
  const scratch = await mkdtemp(join(tmpdir(), 'shakedown-away-'));
  const pid = await apiServer();
  try {
    const ran = await playUntil(scratch, 'galera-writer-crash', 'holding', async () => {
      process.kill(pid, 'SIGSTOP');
      await sleep(20_000).finally(() => process.kill(pid, 'SIGCONT'));
    });
    expect(ran.code, ran.stderr).toBe(2);
    const answer = JSON.parse(ran.stdout);
    expect(answer).toMatchObject({ outcome: 'inconclusive', runs: [{ ended: 'aborted', residue: [] }] });
    const journal = await readFile(join(scratch, 'latest/galera-writer-crash/journal.ndjson'), 'utf8');
    expect(journal).toContain('Lease');
    expect(journal).toContain('"undone"');
    await using reach = await openLab();
    await until('nothing of the run is left', 60_000, async () => {
      const kept = (await keptInTarget(reach)).filter((name) => !name.startsWith('shakedown-guardian-'));
      return kept.length === 0 || kept.join(', ');
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
});
