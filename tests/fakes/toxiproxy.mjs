// As much of toxiproxy-server as a delay needs: proxies from a file, toxics of the kind `latency` over HTTP. Given as a program for tests.
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { connect, createServer } from 'node:net';

const option = (name) => process.argv[process.argv.indexOf(`-${name}`) + 1];
const proxies = Object.fromEntries(
  JSON.parse(readFileSync(option('config'), 'utf8')).map((proxy) => [proxy.name, { ...proxy, toxics: [] }]),
);
for (const proxy of Object.values(proxies)) {
  const [host, port] = proxy.listen.split(':');
  const [upstreamHost, upstreamPort] = proxy.upstream.split(':');
  createServer((client) => {
    const upstream = connect(Number(upstreamPort), upstreamHost);
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ])
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    client.pipe(upstream);
    upstream.on('data', (data) =>
      setTimeout(() => client.writable && client.write(data), proxy.toxics[0]?.attributes.latency ?? 0),
    );
  }).listen(Number(port), host);
}

createHttpServer((request, response) => {
  let body = '';
  request.on('data', (text) => {
    body += text;
  });
  request.on('end', () => {
    const [, , name, toxics] = request.url.split('/');
    if (request.method === 'POST' && toxics === 'toxics' && proxies[name]) proxies[name].toxics.push(JSON.parse(body));
    else if (request.url !== '/proxies') return response.writeHead(404).end('{"error":"not found"}');
    response.end(JSON.stringify(name ? proxies[name].toxics.at(-1) : proxies));
  });
}).listen(Number(option('port')), option('host'));
