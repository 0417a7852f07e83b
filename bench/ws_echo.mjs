// The echo of Node's ws (the version of tests/peers), with permessage-deflate for those who offer it:
// level 6 and memory level 8 as everyone has here, no threshold. zlib runs in libuv's threads, whose
// CPU time counts too.
import { createRequire } from 'node:module';

const { WebSocketServer } = createRequire(new URL('../tests/peers/', import.meta.url))('ws');
const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: { threshold: 0, zlibDeflateOptions: { level: 6, memLevel: 8 } },
});
server.on('connection', (socket) => {
  socket.on('error', () => {});
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.on('listening', () => console.log(`listening ${server.address().port}`));
