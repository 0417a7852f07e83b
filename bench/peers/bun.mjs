// Bun's server, which is uWebSockets: echo, or with --broadcast everything to everyone (uWebSockets'
// own publish). SIGUSR1 closes all with 1001. Compression off (with --deflate on), messages as
// Uint8Array, no limit on what waits for a slow reader, Bun's production mode.
const args = process.argv.slice(2);
const value = (name) => args[args.indexOf(name) + 1];
const broadcast = args.includes('--broadcast');
const open = new Set();
const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  tls: args.includes('--tls')
    ? { cert: Bun.file(value('--tls')), key: Bun.file(value('--key')) }
    : undefined,
  fetch(request, server) {
    return server.upgrade(request) ? undefined : new Response('', { status: 400 });
  },
  websocket: {
    binaryType: 'uint8array',
    perMessageDeflate: args.includes('--deflate'),
    maxPayloadLength: 16 * 1024 * 1024,
    backpressureLimit: 256 * 1024 * 1024,
    idleTimeout: args.includes('--idle') ? 28 : 0, // uWebSockets pings 8 s before its end
    sendPings: true,
    open(socket) {
      open.add(socket);
      if (broadcast) socket.subscribe('all');
    },
    close(socket) {
      open.delete(socket);
    },
    message: broadcast
      ? (socket, data) => server.publish('all', data)
      : (socket, data) => socket.send(data),
  },
});
process.on('SIGUSR1', () => {
  for (const socket of open) socket.close(1001);
});
console.log(`listening ${server.port}`);
