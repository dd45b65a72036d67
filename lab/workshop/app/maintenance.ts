// Maintenance mode: nobody gets in, or only those who read. It stands in the database; each web pod looks once a second, so all of them
// agree within that time, and go on with what they saw last while the database is away.
import type { Database } from './database/database.ts';
import { Refusal, thrown } from './refusals.ts';
import { readSetting, writeSetting } from './site-settings.ts';

export const maintenanceModes = ['off', 'on', 'reads'] as const;
export type Maintenance = (typeof maintenanceModes)[number];

const lookMs = 1_000;
const field = 'maintenance_mode';

export async function readMaintenance(database: Pick<Database, 'rows'>): Promise<Maintenance> {
  const stored = await readSetting(database, field);
  return maintenanceModes.find((mode) => mode === stored) ?? 'off';
}

export async function setMaintenance(database: Database, mode: Maintenance): Promise<void> {
  await writeSetting(database, field, mode);
}

export interface MaintenanceWatch {
  mode(): Maintenance;
  close(): void;
}

/** Has looked once when it is there, unless the database is away. */
export async function watchMaintenance(database: Pick<Database, 'rows'>): Promise<MaintenanceWatch> {
  let seen: Maintenance = 'off';
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      seen = await readMaintenance(database);
    } catch {
      // What was seen last holds.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), lookMs);
  await look();
  return { mode: () => seen, close: () => clearInterval(timer) };
}

export const sessionStopped = (): Refusal =>
  new Refusal({ status: 503, excType: 'SessionStopped', text: 'Session Stopped', withoutCookies: true });

/** A database that reads, and refuses what would write: whatever a request does up to there, it does. */
export function readOnly(database: Database, request: { readonly method: string; readonly login: boolean }): Database {
  const refuse = () =>
    Promise.reject(
      new Refusal({
        status: 503,
        excType: 'InReadOnlyMode',
        text: says,
        messages: [thrown(says, 'In Read Only Mode')],
        // Recorded so: a change is refused inside ERPNext's code, a new document before it; and a login sets no cookies.
        fromErpnext: request.method === 'PUT',
        withoutCookies: request.login,
      }),
    );
  const refusing: Database = {
    rows: database.rows,
    change: refuse,
    transaction: refuse,
    hold: refuse,
    telling: () => refusing,
  };
  return refusing;
}

const says =
  'Site is running in read only mode for maintenance or site update, this action can not be performed right now. Please try again later.';
