"""One run: a server on its core, a load program on the other, one line of figures."""

import os
import resource
import subprocess
import tempfile
import threading

SERVER_CORE = int(os.environ.get("SERVER_CORE", "0"))
LOAD_CORE = int(os.environ.get("LOAD_CORE", "1"))


class Failed(Exception):
    pass


def pinned(core):
    """For a child: on this core, with as many descriptors as it may have."""

    def prepare():
        os.sched_setaffinity(0, {core})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

    return prepare


class RunningServer:
    """Starts a command, waits for `listening PORT`, and ends it."""

    def __init__(self, command, core):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            preexec_fn=pinned(core),
        )
        patience = threading.Timer(20, self.process.kill)
        patience.start()
        try:
            for line in self.process.stdout:
                if line.startswith("listening "):
                    self.port = int(line.split()[1])
                    return
        finally:
            patience.cancel()
        self.end()
        raise Failed(f"no 'listening PORT' from {command[0]}: {self.said()}")

    def said(self):
        self.errors.seek(0)
        return self.errors.read()[-500:].strip()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.end()


def figures_of(line):
    figures = {}
    for word in line.split():
        name, _, value = word.partition("=")
        try:
            figures[name] = float(value)
        except ValueError:
            pass
    return figures


def run(server, scenario, files, milliseconds, extra=()):
    """The figures of one run. Raises Failed when a reply was wrong or a program broke.

    A client under test has the server's core, and the ceiling's server that of the load.
    """
    options = scenario.options + list(extra)
    options += ["--ms", str(int(milliseconds * scenario.window))]
    options += ["--warmup-ms", str(server.warm_up_ms)]
    if scenario.kind == "client":
        program = server.command_for("client", files)
        with RunningServer([f"{files['build']}/bench_epoll_ws_echo"], LOAD_CORE) as running:
            return drive(program + options, running, SERVER_CORE)
    with RunningServer(server.command_for(scenario.kind, files), SERVER_CORE) as running:
        program = [f"{files['build']}/{scenario.program}"]
        options += server.load + ["--pid", str(running.process.pid)]
        return drive(program + options, running, LOAD_CORE)


def drive(command, running, core):
    command += ["--port", str(running.port)]
    try:
        done = subprocess.run(
            command, text=True, capture_output=True, timeout=180, preexec_fn=pinned(core)
        )
    except subprocess.TimeoutExpired:
        raise Failed("no end within 180 s") from None
    if done.returncode != 0:
        raise Failed(f"{done.stderr.strip()[-300:]} {running.said()}".strip())
    return figures_of(done.stdout)
