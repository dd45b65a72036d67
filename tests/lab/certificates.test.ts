// Certificates are issued in the cluster: the site's by the lab's own CA, the drill host's by an ACME server, so short that it is renewed
// while we look, and served anew by the ingress without a break.
import { readFile } from 'node:fs/promises';
import { connect, type PeerCertificate } from 'node:tls';
import { expect, it } from 'vitest';
import { drillHost, network, paths, siteHost } from '../../lab/places.ts';
import { until } from '../../lab/step.ts';
import { repo, run } from './shakedown.ts';

function served(host: string, ca?: Buffer): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: network.front, port: 443, servername: host, rejectUnauthorized: ca !== undefined, ...(ca ? { ca } : {}) },
      () => {
        resolve(socket.getPeerCertificate());
        socket.end();
      },
    );
    socket.setTimeout(5_000, () => socket.destroy(new Error('no handshake within 5 s')));
    socket.on('error', reject);
  });
}

const lifeSeconds = ({ valid_from, valid_to }: PeerCertificate) =>
  (Date.parse(valid_to) - Date.parse(valid_from)) / 1000;

it("the site's certificate is of the lab's own CA, and lives for months", async () => {
  const certificate = await served(siteHost, await readFile(paths.siteCa));
  expect(certificate.subjectaltname).toBe(`DNS:${siteHost}`);
  expect(lifeSeconds(certificate)).toBeGreaterThan(30 * 24 * 3600);
});

it("the drill host's certificate lives three minutes and is renewed in time", async () => {
  // A test before this one may have taken the power of the node on which it is issued.
  let first = await served(drillHost);
  await until('a certificate is served whose renewal is not due yet', 180_000, async () => {
    first = await served(drillHost);
    return Date.parse(first.valid_to) > Date.now() + 60_000 || `one that ends at ${first.valid_to}`;
  });
  expect(first.subjectaltname).toBe(`DNS:${drillHost}`);
  expect(lifeSeconds(first)).toBeLessThanOrEqual(180);
  let next = first;
  await until('another certificate is served', 180_000, async () => {
    next = await served(drillHost);
    return next.serialNumber !== first.serialNumber || `still ${first.serialNumber}`;
  });
  expect(Date.now()).toBeLessThan(Date.parse(first.valid_to));
  expect(Date.parse(next.valid_to)).toBeGreaterThan(Date.parse(first.valid_to));
  const asked = await run(
    'curl',
    [
      '--insecure',
      '--silent',
      '--resolve',
      `${drillHost}:443:${network.front}`,
      `https://${drillHost}/api/method/ping`,
    ],
    repo,
  );
  expect(asked.stdout).toContain('pong');
});
