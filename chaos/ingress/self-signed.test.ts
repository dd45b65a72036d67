import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { expect, test } from 'vitest';
import { selfSigned } from './self-signed.ts';

const request = {
  host: 'erp.example',
  serial: '4f00ab12cd34ef56',
  notBefore: new Date('2026-11-28T10:00:00Z'),
  notAfter: new Date('2026-11-29T10:00:00Z'),
};

test('the certificate says what was asked for, and its own key vouches for it', () => {
  const { certificate, key } = selfSigned(request);
  const read = new X509Certificate(certificate);
  expect(read.serialNumber).toBe('4F00AB12CD34EF56');
  expect(read.checkHost('erp.example')).toBe('erp.example');
  expect(read.checkHost('other.example')).toBeUndefined();
  expect(read.subject).toBe('CN=shakedown');
  expect(read.validFromDate).toEqual(request.notBefore);
  expect(read.validToDate).toEqual(request.notAfter);
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(read.verify(read.publicKey)).toBe(true);
  expect(new X509Certificate(selfSigned(request).certificate).verify(read.publicKey)).toBe(false);
});

test('a TLS server serves it', async () => {
  const { certificate, key } = selfSigned(request);
  const server = createServer({ cert: certificate, key }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const serial = await new Promise<string>((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const socket = connect({ port, host: '127.0.0.1', servername: request.host, rejectUnauthorized: false }, () =>
      resolve(socket.getPeerCertificate().serialNumber),
    );
    socket.on('error', reject);
  });
  server.close();
  expect(serial).toBe('4F00AB12CD34EF56');
});
