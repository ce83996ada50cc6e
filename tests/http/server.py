"""A real `pilotlight serve` on loopback, and how the tests count."""

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import traceback


@contextlib.contextmanager
def serve(tokens: str | None = None, *options: str):
    """Starts a server; gives its address. `tokens` is the text of a file of tokens."""
    with tempfile.TemporaryDirectory() as folder:
        command = [os.environ["PILOTLIGHT"], *options, "serve", "--listen", "127.0.0.1:0"]
        if tokens is not None:
            path = f"{folder}/tokens"
            with open(path, "w") as file:
                file.write(tokens)
            command += ["--tokens", path]
        # Settings of whoever runs this are left alone, and out.
        environment = {**os.environ, "XDG_CONFIG_HOME": folder, "PILOTLIGHT_LOG": "warn"}
        server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        try:
            told = ""
            while not (found := re.search(r"at (http://[\d.:]+) for", told)):
                line = server.stderr.readline()
                if not line:
                    raise RuntimeError(f"the server ended: {told}")
                told += line
            yield found.group(1)
        finally:
            server.terminate()
            server.wait(20)
            server.stderr.close()


class Suite:
    def __init__(self, name: str):
        self.name, self.passed, self.failed = name, 0, 0

    def test(self, what: str):
        """Runs the decorated function at once, and counts it."""

        def run(function):
            try:
                function()
                self.passed += 1
                print(f"ok    {self.name}: {what}", flush=True)
            except Exception as error:
                self.failed += 1
                print(f"FAIL  {self.name}: {what}\n      {type(error).__name__}: {error}", flush=True)
                traceback.print_exc(limit=4, file=sys.stdout)

        return run

    def end(self) -> None:
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(1 if self.failed else 0)


def equal(found, expected, what: str = "") -> None:
    if found != expected:
        raise AssertionError(f"{what}: expected {expected!r}, found {found!r}")


def raises(kind, call, words: str):
    """The error of that kind, which has `words` in it."""
    try:
        answer = call()
    except kind as error:
        if words not in str(error):
            raise AssertionError(f"expected {words!r} in {error}") from error
        return error
    raise AssertionError(f"expected {kind.__name__}, found the answer {answer!r}")
