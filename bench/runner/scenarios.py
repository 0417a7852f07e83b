"""What is measured. The first line of a scenario's table is what its bar in the docs is about."""

from dataclasses import dataclass, field


@dataclass
class Scenario:
    key: str  # for --only
    title: str
    options: list  # of the load program
    kind: str = "echo"  # which of a server's ways to be started
    program: str = "bench_load"
    unit: str = "message"  # what one figure is about
    core: bool = False  # in --quick
    only: tuple = ()  # these servers alone; empty: all that can play it
    window: float = 1.0  # length of the measured time, relative to --ms
    rounds: float = 1.0  # how many, relative to --rounds
    cost: str = ""  # the figure that ratios are about; empty: CPU time a unit
    descriptors: int = 1000  # that a process needs
    sweep: int = 0  # bytes: one point of the sweep of sizes

    def cost_name(self):
        return self.cost or f"cpu_us_per_{self.unit}"


def echo(key, title, connections, in_flight, size, kind="binary", deflate=None, tls=False,
         kind_of_scenario="echo", **more):
    options = ["--connections", connections, "--inflight", in_flight, "--size", size]
    options += ["--kind", kind]
    more["kind"] = kind_of_scenario
    if deflate:
        options += ["--deflate", deflate]
        more["kind"] = "deflate"
    if tls:
        options += ["--tls"]
        more["kind"] = "tls"
    return Scenario(key, title, [str(option) for option in options], **more)


def client(*arguments, **more):
    """The same load from a client under test to the ceiling's server: sending and receiving."""
    return echo(*arguments, kind_of_scenario="client", rounds=0.56, **more)


def crowd(key, title, unit, connections, kind=None, size=16, **more):
    purpose = kind if kind == "idle" else key
    return Scenario(
        key,
        title,
        [purpose, "--connections", str(connections), "--size", str(size)],
        kind=kind or key,
        program="bench_crowd",
        unit=unit,
        descriptors=connections + 100,
        **more,
    )


SCENARIOS = [
    echo("16B", "16 B × 64 connections × 1 in flight", 64, 1, 16, core=True),
    echo("16Bx32", "16 B × 64 × 32", 64, 32, 16, core=True),
    echo("1K", "1 KiB × 64 × 1", 64, 1, 1024, core=True),
    echo("16K", "16 KiB binary × 16 × 4", 16, 4, 16384, core=True),
    echo("16Kmixed", "16 KiB text of mixed scripts × 16 × 4", 16, 4, 16384, "mixed", core=True),
    echo("16Kascii", "16 KiB ASCII text × 16 × 4", 16, 4, 16384, "text"),
    echo("1M", "1 MiB × 4 × 1", 4, 1, 1 << 20, core=True, window=1.5),
    echo("one", "16 B × 1 × 1", 1, 1, 16, rounds=0.56),
    echo("json1K", "JSON 1 KiB × 64 × 1, compressed, no context takeover", 64, 1, 1024, "json",
         deflate="alone"),
    echo("json1Kover", "JSON 1 KiB × 64 × 1, compressed, context takeover", 64, 1, 1024, "json",
         deflate="takeover"),
    echo("json64K", "JSON 64 KiB × 8 × 2, compressed, no context takeover", 8, 2, 65536, "json",
         deflate="alone"),
    echo("json64Kover", "JSON 64 KiB × 8 × 2, compressed, context takeover", 8, 2, 65536, "json",
         deflate="takeover"),
    client("client16B", "Client: 16 B × 64 × 1", 64, 1, 16),
    client("client16Bx32", "Client: 16 B × 64 × 32", 64, 32, 16),
    client("client1K", "Client: 1 KiB × 64 × 1", 64, 1, 1024),
    client("client16K", "Client: 16 KiB binary × 16 × 4", 16, 4, 16384),
    client("client16Kascii", "Client: 16 KiB ASCII text × 16 × 4", 16, 4, 16384, "text"),
    client("client1M", "Client: 1 MiB × 4 × 1", 4, 1, 1 << 20),
    echo("tls1K", "TLS, 1 KiB × 64 × 1", 64, 1, 1024, tls=True),
    echo("tls64K", "TLS, 64 KiB × 8 × 1", 8, 1, 65536, tls=True),
    crowd("broadcast", "1 KiB from one to 1,000 connections", "delivery", 1000, size=1024),
    crowd("open", "Opening handshakes", "handshake", 15_000),
    crowd("cycle", "Open, one message and its echo, close", "cycle", 64, kind="open"),
    crowd("close", "10,000 open connections, closed by the server with 1001", "close", 10_000,
          rounds=0.34),
    crowd("idle", "10,000 idle connections: memory", "connection_second", 10_000, core=True,
          cost="bytes_per_connection", window=0.001, rounds=0.12),
    crowd("idle50K", "50,000 idle connections: memory", "connection_second", 50_000, kind="idle",
          cost="bytes_per_connection", window=0.001, rounds=0.12,
          only=("adieu", "Beast (crowd)", "Bun")),
    crowd("keepalive", "10,000 idle connections: keep-alive for 25 s", "connection_second", 10_000,
          kind="idle", window=83.4, rounds=0.12,
          only=("adieu", "Beast (crowd)", "Bun", "libwebsockets")),
] + [
    echo(f"size{size}", f"{size:,} B × {connections} × 1", connections, 1, size,
         sweep=size, window=0.5, only=("ceiling", "adieu", "Beast", "Bun"), rounds=0.34)
    for size, connections in
    [(1, 64), (125, 64), (126, 64), (4096, 64), (8192, 32), (32768, 16), (65535, 16), (65536, 16),
     (131072, 16), (262144, 8), (524288, 8), (2 << 20, 4), (4 << 20, 4)]
]
