#!/usr/bin/env python3
"""Measures WebSocket servers: CPU time a message, and what that is against ceilings and peers.

Servers take turns within a round, so that a slow minute of the machine meets them all; the server
runs on one core, the load on the other; every reply is verified. What counts is the server's CPU
time for each message. Ratios are taken within a round; what is shown is their median and its 95 %
interval (from order statistics; at least six rounds).
"""

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from runner import document, measure, report  # noqa: E402
from runner.scenarios import SCENARIOS  # noqa: E402
from runner.servers import SERVERS, ADIEU, CEILING, from_command_line  # noqa: E402

QUICK_SERVERS = ("TCP ceiling", "ceiling", "adieu", "Beast", "Beast (crowd)", "Bun")


def arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="six scenarios, five servers, 4 min")
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="SCENARIO[/SERVER]",
        help="this scenario (its key), this server beside the ceiling and adieu; may be repeated",
    )
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND",
                        help="one more echo server: it prints `listening PORT`")
    parser.add_argument("--deflate", action="store_true", help="permessage-deflate alone")
    parser.add_argument("--rounds", type=int, help="9, quick 5")
    parser.add_argument("--ms", type=int, help="the measured window of a run: 300")
    parser.add_argument("--build", default="build/release", metavar="FOLDER")
    parser.add_argument("--write", action="store_true",
                        help="docs/performance.md and its chart, of this run and what is kept of "
                        "earlier ones")
    parser.add_argument("--list", action="store_true", help="scenarios and servers")
    return parser.parse_args()


def chosen(options):
    """(scenario, servers) of this run."""
    servers = SERVERS + [from_command_line(peer) for peer in options.peer]
    filters = [text.partition("/")[::2] for text in options.only]
    for scenario in SCENARIOS:
        mine = [s for _, s in filters if _ in ("", scenario.key)]
        if filters and not mine:
            continue
        if options.deflate and scenario.kind != "deflate":
            continue
        if options.quick and not filters and not options.deflate and not scenario.core:
            continue
        names = [s for s in mine if s]
        players = []
        for server in servers:
            wanted = server.name in (CEILING, ADIEU) or not names or server.name in names
            if options.quick and not names and server.name not in QUICK_SERVERS:
                wanted = server.name in [peer.partition("=")[0] for peer in options.peer]
            if scenario.only and server.name not in scenario.only:
                wanted = False
            if server.only and scenario.key not in server.only:
                wanted = False
            if wanted and scenario.kind in server.kinds:
                players.append(server)
        yield scenario, players


def certificate_in(folder):
    files = {"certificate": f"{folder}/certificate.pem", "key": f"{folder}/key.pem"}
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
        + ["-keyout", files["key"], "-out", files["certificate"]],
        check=True,
        capture_output=True,
    )
    return files


def play(scenario, players, files, rounds, milliseconds):
    result = {"servers": [], "rounds": [], "failures": {}}
    present = []
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    for server in players:
        result["servers"].append(server.name)
        if not server.is_there(scenario.kind, files):
            result["failures"][server.name] = "not installed"
        elif allowed < scenario.descriptors:
            result["failures"][server.name] = (
                f"takes {scenario.descriptors:,} descriptors, and {allowed:,} are allowed here"
            )
        else:
            present.append(server)
    for turn in range(max(1, round(rounds * scenario.rounds)) if present else 0):
        figures = {}
        for server in [each for each in present if turn % each.every == 0]:
            try:
                figures[server.name] = measure.run(server, scenario, files, milliseconds)
            except measure.Failed as failure:
                result["failures"][server.name] = str(failure)
                present.remove(server)
                print(f"{scenario.title}: {server.name} failed: {failure}", file=sys.stderr)
        for found in figures.values():
            if "memory_kib" in found:
                found["memory_mib"] = found["memory_kib"] / 1024
            if "cpu_us_per_connection_second" in found:
                each = found["cpu_us_per_connection_second"]
                found["cpu_ms_per_second"] = each * found["connections"] / 1000
        result["rounds"].append(figures)
    if scenario.kind in ("echo", "tls") and not scenario.sweep:
        for server in present:
            try:
                found = measure.run(server, scenario, files, 300, ["--count-calls"])
            except measure.Failed as failure:
                print(f"{scenario.title}: {server.name}, calls: {failure}", file=sys.stderr)
            else:
                calls = found["calls_per_message"]
                result["rounds"][0][server.name]["calls_per_message"] = calls
    return result


def main():
    options = arguments()
    if options.list:
        for scenario, players in chosen(options):
            print(f"{scenario.key:12} {scenario.title}: {', '.join(p.name for p in players)}")
        return
    os.chdir(Path(__file__).resolve().parent.parent)
    rounds = options.rounds or (5 if options.quick else 9)
    milliseconds = options.ms or 300
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, load average "
        f"{os.getloadavg()[0]:.1f}; {rounds} rounds of {milliseconds} ms",
        flush=True,
    )
    store = document.Store(options.build)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        files = {"build": options.build, **certificate_in(scratch)}
        for scenario, players in chosen(options):
            result = play(scenario, players, files, rounds, milliseconds)
            if not options.quick and not any("/" in text for text in options.only):
                store.keep(scenario, result)
            print(report.as_text(scenario, result), flush=True)
    if options.write:
        document.write(SCENARIOS, SERVERS, store.all(SCENARIOS))
        print(f"\nwritten: {document.PAGE}, {document.CHART}")
    print(f"\n{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
