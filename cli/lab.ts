// `shakedown lab …`: the embedded default target, brought up, looked at and taken down.
import { Command } from 'commander';
import { doctor } from '../lab/doctor.ts';
import { k6Program, LabBusy, labDown, labStatus, labUp } from '../lab/lab.ts';
import { nodes } from '../lab/places.ts';
import { StepFailed } from '../lab/step.ts';
import { switchPower } from '../lab/supervisor/client.ts';
import { Problem } from '../lib/errors.ts';

export { k6Program };

type Say = (text: string) => void;

/** Brings up what is missing of the lab, builds included, and returns the path of its target file. */
export async function ensureLab(say: Say, signal?: AbortSignal): Promise<string> {
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
    return await labUp({ line: say }, signal);
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

const toStderr: Say = (text) => console.error(text);

export function labCommand(): Command {
  const lab = new Command('lab').description(
    'the embedded lab: a real three-node Kubernetes with an ERPNext-like workshop, on this machine',
  );
  lab
    .command('up')
    .description('bring up what is missing (the first time everything is built: 20 to 30 minutes; later about 2)')
    .action(async () => {
      const target = await ensureLab(toStderr);
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
    .description('what runs, and what is missing')
    .option('--json', 'one line, one object')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await labStatus();
      if (json) console.log(JSON.stringify(status));
      else {
        console.log(
          `lab: ${status.state}${status.outstanding.length ? ` (to do: ${status.outstanding.join(', ')}; next: shakedown lab up)` : ''}`,
        );
        for (const node of status.kubernetesNodes)
          console.log(
            `  ${node.name}  ${node.version}  ${node.ready ? 'Ready' : 'NotReady'}  power ${status.supervisor?.nodes.find(({ name }) => name === node.name)?.power ?? '?'}`,
          );
        if (status.supervisor)
          console.log(
            `  started ${new Date(status.supervisor.startedAt).toISOString()} from ${status.supervisor.startedBy}; target file ${status.target}`,
          );
      }
      if (status.state !== 'up') process.exitCode = 2;
    });
  lab
    .command('doctor')
    .description('what this machine lacks for the lab, and what to do about it')
    .action(async () => {
      const complaints = await doctor();
      for (const { what, next } of complaints) console.log(`${what}. Next: ${next}`);
      if (complaints.length > 0) process.exitCode = 2;
      else console.log('This machine has all that the lab needs.');
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
