"""A real SuperLink and two real SuperNodes on loopback: no telemetry, no installation at run time, nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from itertools import islice
from pathlib import Path

import pytest

APP = Path(__file__).parent / "app"
BIN = Path(sys.executable).parent
#: A module in there has Flower's processes ask each other more often than every three seconds, and start sooner.
QUICK = Path(__file__).parent / "quick"
PATIENCE_SECONDS = 240
#: Below those that connections are given (32,768 and more on Linux), so that none of these is taken before it is listened at.
PORTS = range(20_000, 32_000)


@pytest.fixture
def environment(tmp_path):
    return os.environ | {
        "FLWR_HOME": str(tmp_path / "flwr"),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.2",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(QUICK), *filter(None, sys.path)]),
        "NO_PROXY": "127.0.0.1",
    }


def test_two_sites_train_over_flower_though_a_node_is_killed(tmp_path, environment):
    """South's SuperNode is killed between two rounds, and another one comes: SCAFFOLD's control at south is on its disk."""
    ports, result = _free_ports(4), tmp_path / "result.json"

    def supernode(name, port):  # which tries until the SuperLink listens
        node = ["flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{ports[0]}", "--port", str(port)]
        node += ["--node-config", f'site="{name}" memory="{tmp_path / name}"']
        return _Started(node, environment, tmp_path)

    with ExitStack() as running:
        superlink = ["flower-superlink", "--insecure", "--host", "127.0.0.1", "--port", str(ports[0])]
        superlink += ["--disable-runtime-dependency-installation"]
        started = [
            _Started(superlink, environment, tmp_path),
            supernode("north", ports[1]),
            supernode("south", ports[2]),
        ]
        processes = [running.enter_context(each) for each in started]
        _until(lambda: _listens(ports[0]), "the SuperLink listens", tmp_path)
        _submit(ports[0], result, environment)
        _until((tmp_path / "half").exists, "the first round is over", tmp_path)
        processes.pop().end(signal.SIGKILL)
        processes.append(running.enter_context(supernode("south", ports[3])))
        (tmp_path / "killed").touch()
        _until(result.exists, "the run has a result", tmp_path)
        running.callback(lambda: [process.end() for process in processes])  # together, which is quicker
    found = json.loads(result.read_text())
    assert found["plain"] < 1e-12
    assert found["trained"] < 1e-12
    assert found["rounds"] == [[["north", "south"], {}]] * 2
    assert not any(_listens(port) for port in ports)


def _submit(port, result, environment):
    home = Path(environment["FLWR_HOME"])
    home.mkdir(exist_ok=True)
    connection = (
        f'[superlink]\ndefault = "loopback"\n\n[superlink.loopback]\naddress = "127.0.0.1:{port}"\ninsecure = true\n'
    )
    (home / "config.toml").write_text(connection)
    command = [str(BIN / "flwr"), "run", str(APP), "loopback", "--run-config", f'result="{result}"']
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


class _Started:
    """A process and all that it starts, in a session of their own, until the end of the block."""

    def __init__(self, command, environment, folder):
        self.command, self.environment = [str(BIN / command[0]), *command[1:]], environment
        self.log = folder / f"{command[0]}-{command[command.index('--port') + 1]}.log"

    def __enter__(self):
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def end(self, how=signal.SIGTERM):
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)

    def __exit__(self, *error):
        self.end()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)  # whoever of the session is left
        self.process.wait()


def _until(holds, what, folder):
    """Flower tells nobody when it is ready: it is asked again and again."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > end:
            logs = "\n".join(f"--- {log.name}\n{log.read_text()[-3000:]}" for log in sorted(folder.glob("*.log")))
            pytest.fail(f"after {PATIENCE_SECONDS} s it is not true that {what}\n{logs}")
        time.sleep(0.2)


def _free_ports(count):
    """Others than those of a test that runs in another process at the same time."""
    first = PORTS[os.getpid() * 8 % len(PORTS)]
    return list(islice((port for port in range(first, PORTS.stop + len(PORTS)) if _is_free(port)), count))


def _is_free(port):
    with socket.socket() as server, suppress(OSError):
        server.bind(("127.0.0.1", port))
        return True
    return False


def _listens(port):
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex(("127.0.0.1", port)) == 0
