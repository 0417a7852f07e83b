"""An echo server and echo clients of Python's `websockets`, for tests/conformance.

"serve" prints its port; "connect" opens a connection to every URL of its stdin.
?close=1001&reason=bye&after=1 in the URL: close after so many messages.
"""

import asyncio
import sys
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.legacy.client import connect
from websockets.legacy.server import serve
from websockets.version import version

LIMIT = 16 * 1024 * 1024


async def echo(ws, url):
    wishes = {key: values[0] for key, values in parse_qs(urlsplit(url).query).items()}
    messages = 0

    async def perhaps_close():
        if "close" in wishes and messages == int(wishes.get("after", 0)):
            await ws.close(int(wishes["close"]), wishes.get("reason", ""))

    try:
        await perhaps_close()
        async for message in ws:
            messages += 1
            await ws.send(message)
            await perhaps_close()
        await ws.wait_closed()
    except ConnectionClosed:
        pass


async def attempt(url):
    try:
        async with connect(url, max_size=LIMIT) as ws:
            await echo(ws, url)
    except Exception:  # the suite sees it from its side
        pass


async def main():
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    named = f"websockets {version}, Python {sys.version.split()[0]}"
    if sys.argv[1] == "serve":
        server = await serve(lambda ws: echo(ws, ws.path), "127.0.0.1", 0, max_size=LIMIT)
        print(server.sockets[0].getsockname()[1], named, flush=True)
        await lines.read()
        return
    print(0, named, flush=True)
    tasks = set()
    while line := await lines.readline():
        task = asyncio.create_task(attempt(line.decode().strip()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
