// A byte stream to a pod's port through the API server: what kubectl port-forward does, without a listener that others could use.
import { Duplex, PassThrough, Writable } from 'node:stream';
import { PortForward } from '@kubernetes/client-node';
import { messageOf, Problem } from '../errors.ts';
import type { ApiServer } from './api-server.ts';

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Resolves when the API server has switched protocols; that nothing listens in the pod shows only later, as an error of the stream. */
export async function openPodStream(api: ApiServer, to: PodPort, withinMs: number): Promise<Duplex> {
  const where = `port ${to.port} of ${to.namespace}/${to.pod}`;
  const problem = (what: string, seen: string, cause?: unknown) =>
    new Problem({ kind: 'target-unusable', where, what, seen, next: 'kubectl port-forward to it by hand', cause });
  const input = new PassThrough();
  let socket: { close(): void; terminate(): void } | undefined;

  const stream = new Duplex({
    allowHalfOpen: false,
    read() {},
    write: (chunk: Buffer, encoding, done) => void input.write(chunk, encoding, done),
    final(done) {
      // A peer that does not answer the closing handshake must not keep the process alive.
      socket?.close();
      setTimeout(() => socket?.terminate(), 500).unref();
      done();
    },
    destroy(error, done) {
      socket?.terminate();
      done(error);
    },
  });
  // An error that comes before anybody listens must not end the process in the middle of a fault; who uses the stream hears of it too.
  stream.on('error', () => undefined);
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (!stream.readableEnded && !stream.destroyed) stream.push(chunk);
      done();
    },
  });
  const errors = new Writable({
    write(chunk: Buffer, _encoding, done) {
      const text = chunk.toString('utf8').trim();
      if (text !== '') stream.destroy(problem('refused', text));
      done();
    },
  });

  const connecting = new PortForward(api.config).portForward(to.namespace, to.pod, [to.port], output, errors, input);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(problem('no connection', `nothing within ${withinMs} ms`)), withinMs);
  try {
    const opened = await Promise.race([connecting, late.promise]);
    if (typeof opened === 'function') throw new TypeError('port-forward: a retrying stream was not asked for');
    socket = opened;
    opened.onclose = () => {
      if (!stream.destroyed) stream.push(null);
    };
    opened.onerror = (event: unknown) => stream.destroy(problem('the connection broke', messageOf(event), event));
    return stream;
  } catch (error) {
    stream.destroy();
    connecting.then(
      (opened) => typeof opened !== 'function' && opened.terminate(),
      () => undefined, // told below
    );
    throw error instanceof Problem ? error : problem('no connection', messageOf(error), error);
  } finally {
    clearTimeout(timer);
  }
}
