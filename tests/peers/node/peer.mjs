// Node's `ws` as a peer: commands on stdin, events on stdout (see ../COMMANDS.md).
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const tell = (on, event, facts = {}) => console.log(JSON.stringify({ on, event, ...facts }));

const ws = await import('ws').catch((error) => {
  tell('', 'missing', { why: error.message });
  process.exit();
});
const { WebSocket, WebSocketServer } = ws;
const { version } = createRequire(import.meta.url)('ws/package.json');

const connections = new Map();

function live(command, socket) {
  const { on, echo } = command;
  const seen = { messages: 0, bytes: 0 };
  const errors = [];
  connections.set(on, socket);
  socket.on('message', (data, isBinary) => {
    seen.messages += 1;
    seen.bytes += data.length;
    if (echo) socket.send(data, { binary: isBinary });
  });
  socket.on('pong', () => tell(on, 'pong'));
  socket.on('error', (error) => errors.push(error.code ?? error.message));
  socket.addEventListener('close', ({ code, reason, wasClean }) => {
    connections.delete(on);
    tell(on, 'end', { code, reason, clean: wasClean, errors, ...seen });
  });
}

// `usual` is what ws does when nobody says anything.
function deflate({ deflate }, usual) {
  if (!deflate) return usual;
  return {
    threshold: 0,
    clientMaxWindowBits: deflate.bits,
    serverMaxWindowBits: deflate.bits,
    clientNoContextTakeover: !deflate.takeover,
    serverNoContextTakeover: !deflate.takeover,
  };
}

const doing = {
  connect(command) {
    const socket = new WebSocket(command.url, { perMessageDeflate: deflate(command, true) });
    live(command, socket);
    socket.on('open', () => tell(command.on, 'open'));
  },
  listen(command) {
    const server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      perMessageDeflate: deflate(command, false),
    });
    server.on('listening', () => tell(command.on, 'listening', { port: server.address().port }));
    server.on('connection', (socket) => {
      server.close(); // listens no more; this connection goes on
      live(command, socket);
      tell(command.on, 'open');
    });
  },
  send({ on, count = 1, size = 0, binary = false, pieces = 1 }) {
    const socket = connections.get(on);
    for (let i = 0; i < count; ++i) {
      const message = `${i}:`.padEnd(size, 'x');
      const step = Math.ceil(message.length / pieces);
      for (let at = 0; at < message.length; at += step) {
        const fin = at + step >= message.length;
        socket.send(Buffer.from(message.slice(at, at + step)), { binary, fin });
      }
    }
    tell(on, 'sent');
  },
  ping: ({ on }) => connections.get(on).ping(),
  close: ({ on, code, reason }) => connections.get(on).close(code, reason),
  drop({ on, how }) {
    const socket = connections.get(on);
    if (how === 'reset') socket._socket.resetAndDestroy();
    else socket.terminate();
  },
};

tell('', 'ready', { version: `ws ${version}, Node ${process.version}` });
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  try {
    doing[command.do](command);
  } catch (error) {
    tell(command.on, 'failed', { what: error.message });
  }
}
process.exit();
