// Makes the Galera node that the app writes to refuse writes (read_only), as an operator or a full disk's guard would: its connections stay,
// every read is answered, and only a proxy or an app that looks closer moves on.
import { messageOf } from '../../lib/errors.ts';
import type { Right } from '../../lib/model/fault.ts';
import type { Reach } from '../../lib/model/reach.ts';
import type { Target } from '../../lib/model/target.ts';
import { settingFault } from '../settings/server-setting.ts';
import { findWriter, readTopology } from './topology.ts';

export const galeraReadOnly = settingFault({
  fault: {
    name: 'galera/read-only',
    plan: {
      aim: 'the Galera node that the app writes to',
      change: 'SET GLOBAL read_only = ON: it answers reads and refuses writes',
      undo: 'OFF again on that very node, unless its server was started anew and has forgotten it',
    },
  },
  setting: 'read_only',
  value: 'ON',
  rights: (target) => {
    const rights = rightsOn(target);
    return { inject: rights, undo: rights };
  },
  tier: ({ mariadb: { namespace, container } }) => ({ namespace, container }),
  choose: async (reach) => (await findWriter(reach)).node,
  async refuse(reach, node) {
    if (!reach.target.mariadb.faultCredentials)
      throw new Error(
        'galera/read-only: the target file has no mariadb.faultCredentials. Next: name a Secret there whose user has READ_ONLY ADMIN',
      );
    // That the user is let in at all is found out here and not by inject.
    await reach.sql.change(node, 'SELECT @@GLOBAL.read_only AS value');
  },
  async read(reach, node) {
    const [row] = await reach.sql.query(node, 'SELECT @@GLOBAL.read_only AS value');
    const value = String(row?.value ?? '');
    return { '0': 'OFF', '1': 'ON' }[value] ?? value;
  },
  async write(reach, node, value) {
    if (!/^[A-Z_]+$/.test(value))
      throw new Error(`galera/read-only: ${JSON.stringify(value)} is no value of read_only`);
    await reach.sql.change(node, `SET GLOBAL read_only = ${value}`);
  },
  /** Who may not do more than the app is refused there; and the app is still on it, or was taken elsewhere. */
  async effect(reach, ticket) {
    const node = ticket.targets[0]?.name ?? '';
    const [ordinaryWrite, { views, silent }] = await Promise.all([tryWrite(reach, node), readTopology(reach)]);
    const appConnections = Object.fromEntries(views.map((view) => [view.node, view.appConnections]));
    const evidence = { node, ordinaryWrite, appConnections, silent: silent.map((one) => one.node) };
    if (Object.values(appConnections).every((count) => count === 0)) return { is: 'cannot-tell', evidence };
    return { is: /read-only/.test(ordinaryWrite) ? 'yes' : 'no', evidence };
  },
});

/** The server looks at read_only before it looks at rights, so a user who may only read learns which of the two refuses. No row is meant. */
async function tryWrite(reach: Reach, node: string): Promise<string> {
  try {
    await reach.sql.query(node, 'DELETE FROM `tabStock Entry` WHERE 1 = 0');
    return 'taken';
  } catch (error) {
    const text = messageOf(error);
    if (/ER_OPTION_PREVENTS_STATEMENT|--read-only/.test(text)) return 'refused: read-only';
    if (/ER_TABLEACCESS_DENIED_ERROR|command denied/.test(text)) return 'refused: this user may not write at all';
    throw error;
  }
}

function rightsOn({ mariadb }: Target): readonly Right[] {
  const { namespace, faultCredentials, credentials } = mariadb;
  const secret = (of: typeof credentials): Right => ({
    namespace: of.namespace,
    apiGroup: '',
    resources: ['secrets'],
    verbs: ['get'],
    names: [of.name],
  });
  return [
    { namespace, apiGroup: '', resources: ['pods'], verbs: ['get', 'list'] },
    { namespace, apiGroup: '', resources: ['pods/portforward'], verbs: ['create', 'get'] },
    secret(credentials),
    ...(faultCredentials ? [secret(faultCredentials)] : []),
  ];
}
