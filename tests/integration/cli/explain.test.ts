// `explain` on the recorded run in which acknowledged writes were lost: what it says, to people and machines, and what it says to nonsense.
import { appendFile, cp, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { repo } from '../../lab/shakedown.ts';
import { scratchFolder, shakedownIn } from './command.ts';

const example = join(repo, 'examples/lost-writes');
const lost = 'rmwtnvxmp-issue-91';
let folder: string;
beforeEach(async () => {
  folder = await scratchFolder();
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const explained = (...args: string[]) => shakedownIn(folder, ['explain', ...args]);
const inExample = (...args: string[]) => explained(...args, '--run', example);

it('a lost write is told from its request to the rows, with the fault that came after it', async () => {
  const { code, stdout } = await inExample(lost);
  expect(code).toBe(1);
  for (const said of [
    `${lost}: LOST after it was acknowledged`,
    'on no Galera node, acknowledged as MAT-STE-2026-02918',
    'answered 200 with the document MAT-STE-2026-02918 as submitted',
    'galera-1: not there in any of 11 rounds',
    'ITEM-0000 in Stores - WP: 104496 before the load, 105013 after, on every member',
    'galera/writer-crash injected on erp/galera-1',
    '48 good, 1 bad, 0 dropped',
  ])
    expect(stdout).toContain(said);
  const lines = stdout.split('\n').filter((line) => !line.includes(example));
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
  expect(stdout).not.toContain('\u001b');
});

it('documents show what it prints', async () => {
  const { stdout } = await shakedownIn(repo, ['explain', lost, '--run', 'examples/lost-writes']);
  expect(await readFile(join(repo, 'docs/operating.md'), 'utf8')).toContain(stdout.trim());
});

it('a write that is there once ends with 0, one that got no clear answer too', async () => {
  const once = await inExample('rmwtnvxmp-issue-0');
  expect([once.code, once.stdout]).toEqual([0, expect.stringContaining('there once, as acknowledged')]);
  const unknown = await inExample('rmwtnvxmp-receipt-62');
  expect([unknown.code, unknown.stdout]).toEqual([
    0,
    expect.stringContaining('it got no clear answer, and is not there'),
  ]);
});

it('machines get the same as one line, one object', async () => {
  const { code, stdout } = await inExample(lost, '--json');
  expect(code).toBe(1);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect(JSON.parse(stdout)).toMatchObject({
    schema: 'shakedown.explanation/1',
    marker: lost,
    word: 'lost',
    outcome: 'failed',
    run: { scenario: 'galera-writer-crash', runId: 'rmwtnvxmp' },
    requests: [{ journey: 'parts-issue', iteration: 91, status: 200, outcome: 'acknowledged' }],
    moment: { phase: 'steady', inject: { on: 'erp/galera-1', msAfter: 1165 } },
  });
});

it('--lost names every write that the verdict holds against the target, and the commands work', async () => {
  const { code, stdout } = await inExample('--lost');
  expect(code).toBe(1);
  const commands = stdout.split('\n').filter((line) => line.includes('npx shakedown explain'));
  expect(commands.filter((line) => /issue-9[1-4]|receipt-61/.test(line))).toHaveLength(5);
  const [, marker = '', run = ''] = /explain (\S+) --run (\S+)/.exec(commands[0] ?? '') ?? [];
  expect((await explained(marker, '--run', run)).stdout).toContain(`${marker}: LOST`);
  const json = JSON.parse((await inExample('--lost', '--json')).stdout);
  expect(json.runs[0].anomalies[0]).toMatchObject({ check: 'ledger.lost', measured: 5 });
});

it('the verdict itself names the command', async () => {
  const { stdout } = await shakedownIn(repo, ['judge', 'examples/lost-writes']);
  expect(stdout).toContain(`npx shakedown explain ${lost} --run examples/lost-writes/galera-writer-crash`);
});

it('the right run is found by the marker among those under runs', async () => {
  await cp(example, join(folder, 'runs/20261123-193100-gate'), { recursive: true });
  const { code, stdout } = await explained(lost);
  expect(code).toBe(1);
  expect(stdout).toContain('runs/20261123-193100-gate/galera-writer-crash');
});

it('two copies of a run are told, and one of them is to be named', async () => {
  for (const copy of ['one', 'two']) await cp(example, join(folder, 'runs', copy), { recursive: true });
  const { code, stdout, stderr } = await explained(lost);
  expect([code, stdout]).toEqual([64, '']);
  expect(stderr).toContain('several run folders have it');
  expect(stderr).toContain('runs/two/galera-writer-crash');
});

it('a marker that nobody wrote is told, with those that look like it', async () => {
  const slip = await inExample('rmwtnvxmp-isue-91');
  expect(slip.code).toBe(64);
  expect(slip.stderr).toMatch(/no such write on record.*did you mean rmwtnvxmp-issue-91/);
  const foreign = await inExample('rother-issue-91');
  expect(foreign.code).toBe(64);
  expect(foreign.stderr).toContain('none of these runs wrote it');
});

it.each(['', 'a\u001b[2Jb', 'x'.repeat(141), 'two\nlines'])('%j is no marker', async (marker) => {
  const { code, stderr } = await inExample(marker);
  expect(code).toBe(64);
  expect(stderr).toContain('no marker can look like that');
  expect(stderr).not.toContain('\u001b[2J');
});

it.each(['"', "'; rm -rf /", '../../etc/passwd', '$(id)', '__proto__', '","marker":"'])(
  'the marker %j is looked for like any other, and not found',
  async (marker) => {
    const { code, stderr } = await inExample(marker);
    expect(code).toBe(64);
    expect(stderr).not.toContain('bug of shakedown');
  },
);

it('neither a marker nor --lost, or both, or no run folder: bad arguments', async () => {
  expect((await inExample()).code).toBe(64);
  expect((await inExample(lost, '--lost')).code).toBe(64);
  expect((await explained(lost, '--run', 'nowhere')).code).toBe(64);
  expect((await explained(lost)).stderr).toContain('no run folder');
});

it('of a folder that is cut off: what is lost is lost, what is not there nobody can tell', async () => {
  const run = join(folder, 'cut');
  await cp(join(example, 'galera-writer-crash'), run, { recursive: true });
  const samples = await readFile(join(run, 'samples.ndjson'));
  // Behind the lost write, before the last ones.
  await truncate(join(run, 'samples.ndjson'), Math.floor(samples.length * 0.8));
  const there = await explained(lost, '--run', run);
  expect([there.code, there.stdout]).toEqual([1, expect.stringContaining('samples.ndjson: cut off in its last line.')]);
  const once = await explained('rmwtnvxmp-issue-0', '--run', run);
  expect(once.code).toBe(2);
  const gone = await explained('rmwtnvxmp-issue-99999', '--run', run);
  expect(gone.code).toBe(2);
  expect(gone.stderr).toContain('nobody can tell whether it was sent');
  await rm(join(run, 'ledger.ndjson'));
  const unread = await explained(lost, '--run', run);
  expect([unread.code, unread.stdout]).toEqual([2, expect.stringContaining('nobody can tell what became of it')]);
  await rm(join(run, 'journal.ndjson'));
  const nameless = await explained(lost, '--run', run);
  expect([nameless.code, nameless.stdout]).toEqual([2, expect.stringContaining('journal.ndjson: missing.')]);
});

it('what a target wrote moves no cursor', async () => {
  const run = join(folder, 'hostile');
  await cp(join(example, 'galera-writer-crash'), run, { recursive: true });
  const document = {
    node: 'galera-0\u001b[2J',
    round: 10,
    at: 1,
    marker: lost,
    name: 'X\u001b[31m\n',
    docstatus: 1,
    lines: [],
  };
  const lines = [
    { kind: 'document', document },
    { kind: 'read', node: document.node, round: 10, at: 1e18, what: 'documents' },
  ];
  await appendFile(join(run, 'ledger.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const { stdout } = await explained(lost, '--run', run);
  expect(stdout).toContain('galera-0 [2J');
  expect(stdout).not.toContain('\u001b');
});
