// One technician has the list of bookings open, another one books, and the first sees it without doing anything. The booking is in the
// ledger like any other and is made whether or not the page came up: that the page is blind must not hide what became of the booking.
import { chanceOf, wholeNumber } from '../chance.ts';
import { pickNumbers } from '../item-pool.ts';
import { openPage, type Page, socketIoPath } from '../socket-io.ts';
import { stockEntry } from '../stock-entry.ts';
import type { Plan, Send, Tools } from '../turn.ts';

/** The site does not say when it has put the page down for the news; nobody is faster than this with a scanner either. */
const settleMs = 300;

export const realtimeNotice: Plan = (task, iteration) => {
  const chance = chanceOf(task.seed, 'realtime-notice', iteration);
  const { write, play } = stockEntry(task, {
    type: 'Material Receipt',
    marker: `${task.runId}-notice-${iteration}`,
    rows: pickNumbers(task, chance, 1).map((item) => ({ item, qty: wholeNumber(chance, 1, 5) })),
    twoStep: false,
  });
  /** What comes later than this is no good any more, so it is not waited for. */
  const withinMs = task.goodWithinMs['realtime-notice'] ?? task.requestTimeoutMs;
  return {
    ...(write ? { write } : {}),
    async play(send, tools) {
      const deadline = tools.now() + withinMs;
      const site = task.site.url.replace(/^\w+:\/\//, '').replace(/:\d+$/, '');
      const page = openPage(tools.open(socketIoPath), site, 'Stock Entry');
      const open = await before(tools, deadline, page.ready);
      if (open) await new Promise<void>((resolve) => void tools.after(settleMs, resolve));
      const booked = play(asColleague(send));
      const name = booked.write?.document;
      const seen = open && name !== undefined && (await before(tools, deadline, page.heardOf(name)));
      await closed(page, tools);
      return { ...booked, right: booked.right && seen };
    },
  };

  /** The virtual user is not free before its connection is gone, and what it costs is part of what it does. */
  async function closed(page: Page, tools: Tools): Promise<void> {
    page.close();
    await before(
      tools,
      tools.now() + task.requestTimeoutMs,
      page.over.then(() => true),
    );
  }
};

const asColleague =
  (send: Send): Send =>
  (method, path, body) =>
    send(method, path, body, { as: 'colleague' });

/** False when it did not come in time. */
function before(tools: Tools, deadline: number, what: Promise<boolean>): Promise<boolean> {
  return new Promise((resolve) => {
    const letGo = tools.after(Math.max(0, deadline - tools.now()), () => resolve(false));
    void what.then((value) => {
      letGo();
      resolve(value);
    });
  });
}
