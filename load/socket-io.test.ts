// The page and the journey on it without k6: what is said over the socket, and what is made of the answers.
import { expect, test } from 'vitest';
import type { LoadTask } from '../lib/model/load-task.ts';
import type { Answer } from './classify.ts';
import { realtimeNotice } from './journeys/realtime-notice.ts';
import { openPage } from './socket-io.ts';
import type { Manner, Socket, Tools } from './turn.ts';

function fakeSocket() {
  const sent: string[] = [];
  let listener: (text: string | undefined) => void = () => undefined;
  let closed = false;
  const socket: Socket = {
    send: (text) => void sent.push(text),
    close() {
      if (!closed) queueMicrotask(() => listener(undefined));
      closed = true;
    },
    listen: (given) => {
      listener = given;
    },
  };
  return { socket, sent, says: (text: string | undefined) => listener(text), isClosed: () => closed };
}

const site = 'erp.example.com';
const update = (name: string, doctype = 'Stock Entry') =>
  `42/${site},${JSON.stringify(['list_update', { doctype, name }])}`;

test('the page shakes hands, takes the site’s namespace, says what it wants to hear of, and answers pings', async () => {
  const { socket, sent, says } = fakeSocket();
  const page = openPage(socket, site, 'Stock Entry');
  says('0{"sid":"x","pingInterval":25000}');
  expect(sent).toEqual([`40/${site},`]);
  says('2');
  says(`40/${site},{"sid":"y"}`);
  expect(await page.ready).toBe(true);
  expect(sent.slice(1)).toEqual(['3', `42/${site},["doctype_subscribe","Stock Entry"]`]);
});

test('news are heard of before and after they are asked for; others are not', async () => {
  const { socket, says } = fakeSocket();
  const page = openPage(socket, site, 'Stock Entry');
  says(update('MAT-1'));
  expect(await page.heardOf('MAT-1')).toBe(true);
  const second = page.heardOf('MAT-2');
  says(update('MAT-2', 'Item'));
  says(update('MAT-3'));
  says(`42/${site},["doc_update",{"doctype":"Stock Entry","name":"MAT-2"}]`);
  says(`42/other,["list_update",{"doctype":"Stock Entry","name":"MAT-2"}]`);
  says(`42/${site},17{`);
  says('something else');
  says(undefined);
  expect(await second).toBe(false);
  expect(await page.heardOf('MAT-4')).toBe(false);
  expect(await page.heardOf('MAT-3')).toBe(true);
});

test.each([
  ['turned away', `44/${site},{"message":"Invalid origin"}`],
  ['gone', undefined],
])('a page that is %s is not ready', async (_, text) => {
  const { socket, says } = fakeSocket();
  const page = openPage(socket, site, 'Stock Entry');
  says(text);
  expect(await page.ready).toBe(false);
});

const task: LoadTask = {
  options: {},
  permitUrl: '',
  runId: 'r1',
  seed: 1,
  site: {
    url: `https://${site}:8443`,
    markerField: 'custom_client_marker',
    company: 'Wind Power LLC',
    warehouse: 'Stores - WP',
    barcodes: { pattern: 'BC%010d', itemPattern: 'ITEM-%04d', count: 300 },
  },
  tokens: ['k:s'],
  requestTimeoutMs: 20_000,
  goodWithinMs: { 'realtime-notice': 3_000 },
  barcodes: { skew: 1, missRatio: 0 },
  twoStepRatio: 0,
};
const acknowledged: Answer = {
  status: 200,
  body: '{"data":{"name":"MAT-1","docstatus":1,"custom_client_marker":"r1-notice-5"}}',
  error: '',
};

/** Plays one iteration; time passes whenever nothing else is left to do. */
async function played(answer: Answer, onText: (text: string, says: (text: string | undefined) => void) => void) {
  const fake = fakeSocket();
  const order: string[] = [];
  let now = 0;
  const timers = new Set<{ at: number; call: () => void }>();
  const tools: Tools = {
    md5: () => '',
    open: (path) => {
      order.push(`open ${path}`);
      queueMicrotask(() => onText('', fake.says));
      return {
        ...fake.socket,
        send(text) {
          fake.socket.send(text);
          order.push(text.slice(0, 2));
          queueMicrotask(() => onText(text, fake.says));
        },
      };
    },
    after(ms, call) {
      const timer = { at: now + ms, call };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    now: () => now,
  };
  const hows: (Manner | undefined)[] = [];
  const turn = realtimeNotice(task, 5, 0);
  let over = false;
  const playing = Promise.resolve(
    turn.play((_method, _path, _body, how) => {
      hows.push(how);
      order.push('book');
      queueMicrotask(() => onText('book', fake.says));
      return answer;
    }, tools),
  ).finally(() => {
    over = true;
  });
  for (let step = 0; !over && step < 100; step++) {
    for (let turns = 0; turns < 20; turns++) await Promise.resolve();
    const next = [...timers].sort((a, b) => a.at - b.at)[0];
    if (over || !next) continue;
    timers.delete(next);
    now = next.at;
    next.call();
  }
  return { result: await playing, order, hows, now, timers: timers.size, turn, isClosed: fake.isClosed() };
}

const healthy = (text: string, says: (text: string | undefined) => void) => {
  if (text === '') says('0{}');
  if (text.startsWith('40')) says(`40/${site},{"sid":"y"}`);
  if (text === 'book') says(update('MAT-1'));
};

test('one looks on, another books, and it is right once the page heard of that very document', async () => {
  const { result, order, hows, turn, timers, isClosed } = await played(acknowledged, healthy);
  expect(result).toEqual({ right: true, status: 200, write: { outcome: 'acknowledged', document: 'MAT-1' } });
  expect(order).toEqual(['open /socket.io/?EIO=4&transport=websocket', '40', '42', 'book']);
  expect(hows).toEqual([{ as: 'colleague' }]);
  expect(turn.write?.marker).toBe('r1-notice-5');
  // Nothing that would keep k6's iteration from ending.
  expect([timers, isClosed]).toEqual([0, true]);
});

const blind: readonly (readonly [string, typeof healthy])[] = [
  ['tells of another document', (text, says) => (text === 'book' ? says(update('MAT-2')) : healthy(text, says))],
  ['turns the page away', (text, says) => (text === '' ? says('44/x,') : undefined)],
  ['says nothing at all', () => undefined],
];

test.each(blind)(
  'a site that %s: bad, within the time that would have been good, and booked all the same',
  async (_, site) => {
    const { result, order, now, isClosed } = await played(acknowledged, site);
    expect(result).toMatchObject({ right: false, write: { outcome: 'acknowledged' } });
    expect(order.filter((what) => what === 'book')).toEqual(['book']);
    expect(now).toBeLessThanOrEqual(3_300);
    expect(isClosed).toBe(true);
  },
);

test('a booking that was refused has no notice to wait for', async () => {
  const refused: Answer = { status: 500, body: '{"exc_type":"QueryDeadlockError"}', error: '' };
  const { result, now } = await played(refused, healthy);
  expect(result).toMatchObject({ right: false, status: 500, write: { outcome: 'refused' } });
  expect(now).toBeLessThan(1_000);
});
