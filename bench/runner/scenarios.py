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
    rounds: float = 1.0


def echo(key, title, connections, in_flight, size, kind="binary", deflate=None, **more):
    options = ["--connections", connections, "--inflight", in_flight, "--size", size, "--kind", kind]
    if deflate:
        options += ["--deflate", deflate]
        more["kind"] = "deflate"
    return Scenario(key, title, [str(option) for option in options], **more)


SCENARIOS = [
    echo("16B", "16 B × 64 connections × 1 in flight", 64, 1, 16, core=True),
    echo("16Bx32", "16 B × 64 × 32", 64, 32, 16, core=True),
    echo("1K", "1 KiB × 64 × 1", 64, 1, 1024, core=True),
    echo("16K", "16 KiB binary × 16 × 4", 16, 4, 16384, core=True),
    echo("16Kmixed", "16 KiB text of mixed scripts × 16 × 4", 16, 4, 16384, "mixed", core=True),
    echo("16Kascii", "16 KiB ASCII text × 16 × 4", 16, 4, 16384, "text"),
    echo("1M", "1 MiB × 4 × 1", 4, 1, 1 << 20, core=True, window=1.5),
    echo("one", "16 B × 1 × 1", 1, 1, 16),
    echo("json1K", "JSON 1 KiB × 64 × 1, compressed, no context takeover", 64, 1, 1024, "json",
         deflate="alone"),
    echo("json1Kover", "JSON 1 KiB × 64 × 1, compressed, context takeover", 64, 1, 1024, "json",
         deflate="takeover"),
    echo("json64K", "JSON 64 KiB × 8 × 2, compressed, no context takeover", 8, 2, 65536, "json",
         deflate="alone"),
    echo("json64Kover", "JSON 64 KiB × 8 × 2, compressed, context takeover", 8, 2, 65536, "json",
         deflate="takeover"),
]
