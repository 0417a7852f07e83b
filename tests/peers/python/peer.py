"""Python's `websockets` as a peer: commands on stdin, events on stdout (see ../COMMANDS.md).

The legacy asyncio API is meant: the one of version 10, which Debian 12 and Ubuntu 24.04 have.
"""

import asyncio
import json
import socket
import struct
import sys


def tell(on, event, **facts):
    print(json.dumps({"on": on, "event": event, **facts}), flush=True)


try:
    import websockets
    from websockets.exceptions import ConnectionClosed
    from websockets.legacy.client import connect
    from websockets.legacy.server import serve
    from websockets.version import version
except ImportError as error:
    tell("", "missing", why=str(error))
    sys.exit()


class Connection:
    """One connection: a reader, and what it can be told to do."""

    def __init__(self, command):
        self.name = command["on"]
        self.echo = command.get("echo", False)
        self.command = command
        self.ws = None

    async def be_client(self):
        await self.live(await connect(self.command["url"], max_size=None))

    async def be_server(self):
        done = asyncio.Event()

        async def handler(ws):
            await self.live(ws)
            done.set()

        server = await serve(handler, "127.0.0.1", 0, max_size=None)
        tell(self.name, "listening", port=server.sockets[0].getsockname()[1])
        await done.wait()
        server.close()
        await server.wait_closed()

    async def live(self, ws):
        self.ws = ws
        messages = size = 0
        tell(self.name, "open")
        try:
            while True:
                message = await ws.recv()
                messages += 1
                size += len(message)
                if self.echo:
                    await ws.send(message)
        except ConnectionClosed as error:
            await ws.wait_closed()
            tell(
                self.name,
                "end",
                code=ws.close_code,
                reason=ws.close_reason,
                exception=type(error).__name__,
                sent=error.sent and error.sent.code,
                received=error.rcvd and error.rcvd.code,
                received_first=error.rcvd_then_sent,
                messages=messages,
                bytes=size,
            )

    async def send(self, command):
        for i in range(command.get("count", 1)):
            text = f"{i}:".ljust(command.get("size", 0), "x")
            message = text.encode() if command.get("binary") else text
            pieces = command.get("pieces", 1)
            if pieces > 1:
                step = -(-len(message) // pieces)
                message = [message[at : at + step] for at in range(0, len(message), step)]
            await self.ws.send(message)
        tell(self.name, "sent")

    async def ping(self, command):
        await (await self.ws.ping())
        tell(self.name, "pong")

    async def close(self, command):
        await self.ws.close(command["code"], command.get("reason", ""))

    async def drop(self, command):
        if command["how"] == "reset":
            linger = struct.pack("ii", 1, 0)
            tcp = self.ws.transport.get_extra_info("socket")
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.ws.transport.abort()


async def attempt(name, work):
    try:
        await work
    except Exception as error:  # the test sees it, and waits for nothing else
        tell(name, "failed", what=f"{type(error).__name__}: {error}")


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    tell("", "ready", version=f"websockets {version}, Python {sys.version.split()[0]}")
    connections = {}
    tasks = set()
    while line := await lines.readline():
        command = json.loads(line)
        name, what = command["on"], command["do"]
        if what in ("connect", "listen"):
            made = connections[name] = Connection(command)
            work = made.be_client() if what == "connect" else made.be_server()
        else:
            work = getattr(connections[name], what)(command)
        task = asyncio.create_task(attempt(name, work))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
