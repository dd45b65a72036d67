// `shakedown lab …`: the embedded default target, brought up, looked at and taken down.
import { Command, Option } from 'commander';
import { doctor, labComplaints } from '../lab/doctor.ts';
import { k6Program, LabBusy, type LabStatus, labDown, labStatus, labUp } from '../lab/lab.ts';
import { type Scope, scopes } from '../lab/parts.ts';
import { nodes, paths } from '../lab/places.ts';
import { StepFailed } from '../lab/step.ts';
import { switchPower } from '../lab/supervisor/client.ts';
import { Problem } from '../lib/errors.ts';

export { k6Program };

type Say = (text: string) => void;

/** Brings up what is missing of that much of the lab, builds included, and returns the path of its target file. */
export async function ensureLab(scope: Scope, say: Say, signal?: AbortSignal): Promise<string> {
  const [first, ...more] = await doctor();
  if (first) {
    const all = [first, ...more].map(({ what, next }) => `${what}. Next: ${next}`);
    throw new Problem({
      kind: 'target-unusable',
      what: 'the lab cannot run here',
      where: 'doctor',
      seen: all.join('; '),
      next: 'shakedown lab doctor says it again',
    });
  }
  try {
    return await labUp(scope, { line: say }, signal);
  } catch (error) {
    if (error instanceof LabBusy)
      throw new Problem({
        kind: 'target-unusable',
        what: 'the lab is busy',
        where: 'lab up',
        seen: error.message,
        next: 'wait for it',
        cause: error,
      });
    if (error instanceof StepFailed)
      throw new Problem({
        kind: 'target-unusable',
        what: 'the lab did not come up',
        where: error.step,
        seen: error.message,
        next: 'mend that and run the same command again: what is done stays done',
        cause: error,
      });
    throw error;
  }
}

function statusLines(status: LabStatus): readonly string[] {
  const { state, scope, outstanding, supervisor, kubernetesNodes, parts, addresses, target } = status;
  if (!supervisor) return ['lab: down (next: shakedown lab up)'];
  const rows = [
    [
      'api-server',
      'Kubernetes 1.34',
      supervisor.daemons.every(({ pid }) => pid) ? 'healthy' : 'unwell',
      '',
      `https://${addresses.apiServer}:6443`,
    ],
    ...kubernetesNodes.map(({ name, version, ready }) => {
      const power = supervisor.nodes.find((node) => node.name === name)?.power ?? '?';
      const address = nodes.find((node) => node.name === name)?.address ?? '';
      return [name, `Kubernetes node ${version}, power ${power}`, ready ? 'healthy' : 'unwell', '', address];
    }),
    ...parts.map(({ name, is, health, scope: of, ready, wanted, address }) => [
      name,
      is,
      health === 'missing' && of === 'full' && scope === 'core' ? 'left out' : health,
      health === 'missing' ? '' : `${ready}/${wanted}`,
      address ?? '',
    ]),
  ];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return [
    `lab: ${state}${scope === 'core' ? ' (core only; next for all of it: shakedown lab up)' : ''}`,
    ...(outstanding.length > 0 ? [`to do: ${outstanding.join(', ')} (next: shakedown lab up)`] : []),
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()),
    `since ${new Date(supervisor.startedAt).toISOString()}, from ${supervisor.startedBy}`,
    `target file ${target}, kubeconfig ${paths.kubeconfig}`,
  ];
}

const toStderr: Say = (text) => console.error(text);

export function labCommand(): Command {
  const lab = new Command('lab').description(
    'the embedded lab: a real three-node Kubernetes with an ERPNext-like workshop, on this machine',
  );
  lab
    .command('up')
    .description('bring up what is missing (the first time everything is built: 20 to 30 minutes; later about 2)')
    .addOption(
      new Option(
        '--only <scope>',
        'core leaves out alerting, network policies and the ACME issuer; what is up stays up',
      )
        .choices([...scopes])
        .default('full'),
    )
    .action(async ({ only }: { only: Scope }) => {
      const target = await ensureLab(only, toStderr);
      console.log(`The lab is up. Target file: ${target}\nNext: npx shakedown gate`);
    });
  lab
    .command('down')
    .description('stop it and forget keys, etcd and volumes; what was built stays')
    .action(async () => {
      await labDown({ line: toStderr });
      console.log('The lab is down.');
    });
  lab
    .command('status')
    .description('every part with its health and where it answers')
    .option('--json', 'one line, one object')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await labStatus();
      if (json) console.log(JSON.stringify(status));
      else for (const line of statusLines(status)) console.log(line);
      if (status.state !== 'up') process.exitCode = 2;
    });
  lab
    .command('doctor')
    .description('what this machine lacks for the lab, or the running lab itself, and what to do about it')
    .action(async () => {
      const complaints = [...(await doctor()), ...(await labComplaints())];
      for (const { what, next } of complaints) console.log(`${what}. Next: ${next}`);
      if (complaints.length > 0) process.exitCode = 2;
      else console.log('This machine has all that the lab needs, and a lab that is up lacks nothing.');
    });
  lab
    .command('power')
    .description(
      "switch a Kubernetes node's power off or on, as pulling its plug (unsynced writes of its volumes are lost)",
    )
    .argument('<node>', nodes.map(({ name }) => name).join(' | '))
    .argument('<state>', 'on | off')
    .action(async (node: string, state: string) => {
      if (!nodes.some(({ name }) => name === node) || (state !== 'on' && state !== 'off'))
        throw new Problem({
          kind: 'usage',
          what: 'lab power',
          where: 'arguments',
          seen: `${node} ${state}`,
          next: `give ${nodes.map(({ name }) => name).join(' | ')} and on | off`,
        });
      const status = await switchPower(node, state);
      console.log(status.nodes.map(({ name, power }) => `${name} ${power}`).join(', '));
    });
  return lab;
}
