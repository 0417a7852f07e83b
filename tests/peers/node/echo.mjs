// An echo server and echo clients of Node's `ws`, for tests/conformance. "serve" prints its port;
// "connect" opens a connection to every URL of its stdin. ?close=1001&reason=bye&after=1 in the URL:
// close after so many messages.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { WebSocket, WebSocketServer } from 'ws';

const { version } = createRequire(import.meta.url)('ws/package.json');
const maxPayload = 16 * 1024 * 1024;

function echo(socket, url) {
  const wishes = new URL(url, 'ws://here').searchParams;
  const after = Number(wishes.get('after') ?? 0);
  let messages = 0;
  const perhapsClose = () => {
    if (wishes.has('close') && messages === after) {
      socket.close(Number(wishes.get('close')), wishes.get('reason') ?? '');
    }
  };
  socket.on('error', () => {}); // the suite sees it from its side
  socket.on('message', (data, isBinary) => {
    messages += 1;
    if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary: isBinary });
    perhapsClose();
  });
  return perhapsClose;
}

if (process.argv[2] === 'serve') {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    maxPayload,
    perMessageDeflate: { threshold: 0 },
  });
  server.on('connection', (socket, request) => echo(socket, request.url)());
  server.on('listening', () =>
    console.log(`${server.address().port} ws ${version}, Node ${process.version}`),
  );
  process.stdin.resume();
  process.stdin.on('end', () => process.exit());
} else {
  console.log(`0 ws ${version}, Node ${process.version}`);
  for await (const url of createInterface({ input: process.stdin })) {
    const socket = new WebSocket(url, { maxPayload, perMessageDeflate: { threshold: 0 } });
    const perhapsClose = echo(socket, url);
    socket.on('open', perhapsClose);
  }
  process.exit();
}
