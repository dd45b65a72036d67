import { connect, createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { redisOnNodes } from './redis.ts';

let server: Server | undefined;
afterEach(() => new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve())));

/** Answers as a Redis would: commands as RESP arrays, AUTH first where a password is set. */
async function listening(
  answer: (command: readonly string[]) => string | undefined,
): Promise<() => Promise<ReturnType<typeof connect>>> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
      for (;;) {
        const head = /^\*(\d+)\r\n/.exec(text);
        if (!head) return;
        const parts = new RegExp(`^\\*\\d+\\r\\n(?:\\$\\d+\\r\\n([^\\r]*)\\r\\n){${head[1]}}`).exec(text);
        if (!parts) return;
        const command = [...parts[0].matchAll(/\$\d+\r\n([^\r]*)\r\n/g)].map((match) => match[1] ?? '');
        text = text.slice(parts[0].length);
        const says = answer(command);
        if (says !== undefined) socket.write(says);
      }
    });
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return async () => connect(port, '127.0.0.1');
}

const client = (openStream: Parameters<typeof redisOnNodes>[0]['openStream'], password?: string) =>
  redisOnNodes({
    groups: ['cache'],
    nodes: async () => ['redis-0'],
    openStream,
    password: async () => password,
    answerMs: 300,
  });

test('one command is asked of the very node, with its password', async () => {
  const seen: string[] = [];
  const open = await listening((command) => {
    seen.push(command.join(' '));
    return command[0]?.toLowerCase() === 'role' ? '*3\r\n$6\r\nmaster\r\n:7\r\n*0\r\n' : '+OK\r\n';
  });
  expect(await client(open, 'hush').ask('cache', 'redis-0', ['ROLE'])).toEqual(['master', 7, []]);
  expect(seen.some((command) => command.includes('hush'))).toBe(true);
});

test('an error of the server is told, and no password in it', async () => {
  const open = await listening((command) =>
    command[0]?.toLowerCase() === 'ping' ? '-LOADING dataset\r\n' : '+OK\r\n',
  );
  await expect(client(open, 'hush').ask('cache', 'redis-0', ['PING'])).rejects.toThrow(
    /^Redis redis-0: no good answer to PING: LOADING dataset/,
  );
});

test('a Redis that never answers is told in time', async () => {
  const open = await listening(() => undefined);
  await expect(client(open).ask('cache', 'redis-0', ['PING'])).rejects.toThrow(/no good answer to PING/);
});

test('a node that can not be reached is told', async () => {
  const refused = async () => {
    throw new Error('no such pod');
  };
  await expect(client(refused).ask('cache', 'redis-0', ['PING'])).rejects.toThrow(/no such pod/);
});
