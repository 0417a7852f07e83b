// Node's ws (under node) and Bun's own WebSocket (under Bun) as clients: they send, and answer every
// echo with the next message. No compression.
import { createRequire } from 'node:module';

const underBun = typeof Bun !== 'undefined';
const Socket = underBun
  ? WebSocket
  : createRequire(new URL('../../tests/peers/', import.meta.url))('ws').WebSocket;
const value = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const [connections, inFlight, size] = ['connections', 'inflight', 'size'].map((n) => +value(n));
const text = value('kind', 'binary') !== 'binary';
const message = text ? 'a'.repeat(size) : new Uint8Array(size).fill(97);
let replies = 0;
let opened = 0;

function begin() {
  setTimeout(() => {
    replies = 0;
    const cpu = process.cpuUsage();
    const started = performance.now();
    setTimeout(() => {
      const used = process.cpuUsage(cpu);
      const seconds = (performance.now() - started) / 1000;
      const each = (used.user + used.system) / replies;
      console.log(`messages=${replies} rate=${replies / seconds} cpu_us_per_message=${each}`);
      process.exit();
    }, +value('ms'));
  }, +value('warmup-ms'));
}

for (let i = 0; i < connections; ++i) {
  const url = `ws://127.0.0.1:${value('port')}/echo`;
  const socket = underBun ? new Socket(url) : new Socket(url, { perMessageDeflate: false });
  socket.binaryType = underBun ? 'uint8array' : 'nodebuffer';
  socket.onopen = () => {
    for (let k = 0; k < inFlight; ++k) socket.send(message);
    if (++opened === connections) begin();
  };
  socket.onmessage = ({ data }) => {
    if (data.length !== size) throw new Error(`a reply of ${data.length}`);
    ++replies;
    socket.send(message);
  };
}
