// The server of Node's ws (the version of tests/peers, without its native add-ons: as npm installs
// it): echo, or with --broadcast everything to everyone. SIGUSR1 closes all with 1001; --tls CERT
// --key KEY; --idle pings every 20 s, as its README shows. Compression only with --deflate: level 6
// and memory level 8 as everyone has here, no threshold. zlib runs in libuv's threads, whose CPU time
// counts too.
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { createRequire } from 'node:module';
import { createServer as createTlsServer } from 'node:https';

const { WebSocketServer } = createRequire(new URL('../../tests/peers/', import.meta.url))('ws');
const args = process.argv.slice(2);
const value = (name) => args[args.indexOf(name) + 1];
const http = args.includes('--tls')
  ? createTlsServer({ cert: readFileSync(value('--tls')), key: readFileSync(value('--key')) })
  : createPlainServer();
const server = new WebSocketServer({
  server: http,
  perMessageDeflate: args.includes('--deflate') && {
    threshold: 0,
    zlibDeflateOptions: { level: 6, memLevel: 8 },
  },
});
const broadcast = args.includes('--broadcast');
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => {
    if (!broadcast) {
      socket.send(data, { binary: isBinary });
    } else {
      for (const other of server.clients) other.send(data, { binary: isBinary });
    }
  });
});
process.on('SIGUSR1', () => {
  for (const socket of server.clients) socket.close(1001);
});
if (args.includes('--idle')) {
  setInterval(() => {
    for (const socket of server.clients) socket.ping();
  }, 20_000);
}
http.listen(0, '127.0.0.1', 4096, () => console.log(`listening ${http.address().port}`));
