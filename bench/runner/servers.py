"""Who is measured: how each server is started for each kind of scenario, and how it is set up.

A server prints `listening PORT`. A kind of scenario that is missing here is one it cannot play.
"""

import shutil
from dataclasses import dataclass, field



@dataclass
class Server:
    name: str
    setup: str  # how it was configured, for the reader to judge
    command: list
    client: list = field(default_factory=list)  # the program that plays its client, if it does
    kinds: dict = field(default_factory=lambda: {"echo": []})  # kind → arguments
    load: list = field(default_factory=list)  # what the load generator must know
    only: tuple = ()  # these scenarios alone; empty: all that it can play
    every: int = 1  # plays every nth round: those that are far behind need fewer
    warm_up_ms: int = 100  # longer for those that compile while they run

    def command_for(self, kind, files):
        command = self.client if kind == "client" else self.command
        return [word.format(**files) for word in command + self.kinds[kind]]

    def is_there(self, kind, files):
        return shutil.which(self.command_for(kind, files)[0]) is not None


def ours(name, program, setup, **more):
    return Server(name, setup, ["{build}/" + program], **more)


RAW = "TCP ceiling"
CEILING = "ceiling"
ADIEU = "adieu"

TLS = ["--tls", "{certificate}", "--key", "{key}"]
COROUTINES = ("16B", "16Bx32", "1K", "16K")

SERVERS = [
    ours(
        RAW,
        "bench_epoll_tcp_echo",
        "not a WebSocket: epoll, edge-triggered, one recv and one send a turn",
        load=["--raw"],
    ),
    ours(
        CEILING,
        "bench_epoll_ws_echo",
        "not a library: epoll, unmasks and re-frames in place, checks nothing, no clocks; as a "
        "client it is the load generator, whose frames are masked before it starts",
        client=["{build}/bench_load", "--pid", "self"],
        kinds={"echo": [], "open": [], "client": []},
    ),
    ours(
        ADIEU,
        "bench_adieu_echo_callback",
        "`on_message` and `send(view)`; default options (limits, UTF-8 and keep-alive on), but any "
        "number of connections from one address, and `defer_accept`, as Bun's server has it",
        client=["{build}/bench_adieu_client"],
        kinds={
            "client": [],
            "echo": [],
            "tls": TLS,
            "deflate": [],
            "open": [],
            "idle": [],
            "close": [],
            "broadcast": ["--broadcast"],
        },
    ),
    ours(
        "adieu co_await",
        "bench_adieu_echo_coroutine",
        "a coroutine that awaits every receive and every send",
        only=COROUTINES,
    ),
    ours(
        "adieu try_receive",
        "bench_adieu_echo_drain",
        "a coroutine that awaits one message and drains the rest",
        only=COROUTINES,
    ),
    ours(
        "Beast",
        "bench_beast_echo",
        "one thread, concurrency hint 1, concrete executor, no timers, compression compiled out, "
        "64 KiB read-ahead, no auto-fragmentation",
        client=["{build}/bench_beast_client"],
        kinds={"echo": [], "tls": TLS, "deflate": ["--deflate"], "client": []},
    ),
    ours(
        "Beast (crowd)",
        "bench_beast_crowd",
        "the same with buffers that grow as needed; keep-alive as Adieu's where connections idle; "
        "one shared message in each connection's queue when it broadcasts",
        kinds={"open": [], "idle": ["--idle"], "close": [], "broadcast": ["--broadcast"]},
    ),
    Server(
        "Bun",
        "uWebSockets under JavaScript: production mode, `Uint8Array`, compression off, no "
        "back-pressure limit; broadcasts with uWebSockets' own `publish`",
        ["bench/peers/node_modules/.bin/bun", "bench/peers/bun.mjs"],
        client=["bench/peers/node_modules/.bin/bun", "bench/peers/client.mjs"],
        kinds={
            "client": [],
            "echo": [],
            "tls": TLS,
            "open": [],
            "idle": ["--idle"],
            "close": [],
            "broadcast": ["--broadcast"],
        },
        warm_up_ms=300,
    ),
    Server(
        "libwebsockets",
        "Debian's build (poll), one thread, no extensions, buffers of 64 KiB; one message a "
        "callback, as it demands; text is not validated (its default)",
        ["build/bench/lws_echo"],
        every=3,
        kinds={
            "echo": [],
            "open": [],
            "idle": ["--idle"],
            "close": [],
            "broadcast": ["--broadcast"],
        },
    ),
    Server(
        "websocketpp",
        "one thread, logging off, no compression, sends the received message object back",
        ["build/bench/websocketpp_echo"],
        every=3,
    ),
    Server(
        "ws",
        "Node's, as npm installs it (no native add-ons), compression off",
        ["node", "bench/peers/ws.mjs"],
        every=3,
        client=["node", "bench/peers/client.mjs"],
        kinds={
            "client": [],
            "echo": [],
            "tls": TLS,
            "deflate": ["--deflate"],
            "open": [],
            "idle": ["--idle"],
            "close": [],
            "broadcast": ["--broadcast"],
        },
        warm_up_ms=300,
    ),
    Server(
        "Kestrel",
        "ASP.NET Core, compiled fully at start (no tiers), workstation collector, 64 KiB pieces",
        ["dotnet", "build/bench/kestrel/bin/kestrel/release/kestrel.dll"],
        every=3,
        kinds={"echo": [], "tls": TLS, "open": [], "idle": ["--idle"], "close": []},
        warm_up_ms=300,
    ),
]


def from_command_line(text):
    """--peer NAME=COMMAND: any echo server that prints `listening PORT`."""
    name, separator, command = text.partition("=")
    if not separator or not name or not command:
        raise SystemExit(f"--peer is NAME=COMMAND, not {text}")
    return Server(name, f"`{command}`", command.split(), warm_up_ms=300)
