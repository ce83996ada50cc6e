"""A real Neovim in a terminal: keys go in through tmux, the screen comes out through tmux, exact questions go over Neovim's own RPC socket."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[2]
PLUGIN = REPOSITORY / "editors" / "neovim"
CURSOR_MARK = "\N{FULL BLOCK}"


class Failure(Exception):
    """A check that did not hold, with what was seen instead."""


@dataclass(frozen=True)
class Install:
    """One Neovim. `root` is the folder it is chrooted into, or None when it runs on the host."""

    name: str
    root: Path | None
    nvim: str

    @staticmethod
    def all(folder: Path) -> "list[Install]":
        return [
            Install("0.12", folder / "neovim-0.12", "/usr/bin/nvim"),
            Install("0.11", None, str(folder / "neovim-0.11/bin/nvim")),
        ]

    def command(self, *args: str) -> list[str]:
        prefix = ["chroot", str(self.root)] if self.root else []
        return [*prefix, "/usr/bin/env", "-C", "/", *args] if self.root else list(args)

    def outside(self, path: str) -> Path:
        """The host's path of a path as this Neovim sees it."""
        return Path(str(self.root) + path) if self.root else Path(path)


class Neovim:
    """An editor on a workspace of its own. `setup` is Lua for the plugin's setup(), without `cmd`; `server` the command in Lua, default the fake."""

    def __init__(self, install: Install, tmux: str, label: str, files: dict[str, str], *, server: str | None = None, setup: str = "{}",
                 script: dict | None = None, before: str = "", after: str = "", open_file: str | None = None, size=(100, 24), env=None, artefacts=None):
        self.install, self.tmux, self.label, self.artefacts = install, tmux, label, artefacts
        self.inside = f"/tmp/{tmux}/{label}"
        self.folder = install.outside(self.inside)
        if self.folder.exists():
            shutil.rmtree(self.folder)
        self.folder.mkdir(parents=True)
        shutil.copytree(PLUGIN, self.folder / "plugin")
        shutil.copy(HERE / "fake_server.lua", self.folder)
        for name, text in files.items():
            path = self.folder / "work" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        self.script(script or {})
        self.server = server = server or (f"{{ '{install.nvim}', '-l', '{self.inside}/fake_server.lua', '{self.inside}/script.json', '{self.inside}/log.jsonl' }}")
        (self.folder / "init.lua").write_text(
            f"vim.opt.runtimepath:prepend('{self.inside}/plugin')\n"
            "vim.opt.swapfile, vim.opt.shortmess, vim.opt.laststatus = false, vim.o.shortmess .. 'I', 2\n"
            # Looking for Python costs seconds where the machine is busy, and the editor does not answer meanwhile.
            "vim.g.loaded_python3_provider = 0\n"
            f"{before}\n"
            f"local options = {setup}\n"
            f"if options then require('pilotlight').setup(vim.tbl_extend('keep', options, {{ cmd = {server} }})) end\n"
            f"{after}\n"
        )
        settings = {"HOME": f"{self.inside}/home", "LANG": "C.UTF-8", "TERM": "tmux-256color", "PATH": os.environ["PATH"], **(env or {})}
        # A daemon of this editor's own.
        self.runtime = settings.setdefault("PILOTLIGHT_RUNTIME_DIR", f"{self.inside}/run")
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            settings.setdefault(name, f"{self.inside}/home/{name[4:].lower()}")
        first = open_file or next(iter(files))
        command = install.command(
            "/usr/bin/env", "-i", *(f"{k}={v}" for k, v in settings.items()),
            install.nvim, "--clean", "-u", f"{self.inside}/init.lua", "--listen", f"{self.inside}/rpc",
            "-c", f"cd {self.inside}/work", f"{self.inside}/work/{first}",
        )
        self._tmux("-f", "/dev/null", "new-session", "-d", "-s", label, "-x", str(size[0]), "-y", str(size[1]), *command)
        self.pid = None
        self.until(self._alive, "Neovim answers on its socket")

    # Driving.

    def _tmux(self, *args: str) -> str:
        done = subprocess.run(["tmux", "-u", "-L", self.tmux, *args], capture_output=True, text=True, timeout=20)
        if done.returncode:
            raise Failure(f"tmux {' '.join(args[:3])}: {done.stderr.strip()}")
        return done.stdout

    def keys(self, *keys: str) -> None:
        """Presses keys by tmux's names: 'Escape', 'Tab', 'M-w', 'C-]'."""
        self._tmux("send-keys", "-t", self.label, *keys)

    def type(self, text: str, pause: float = 0.0) -> None:
        """Types text, in one go or a key at a time."""
        for piece in text if pause else [text]:
            # tmux takes a last semicolon for the end of its own command.
            self._tmux("send-keys", "-t", self.label, "-l", piece[:-1] + "\\;" if piece.endswith(";") else piece)
            time.sleep(pause)

    def command(self, line: str) -> None:
        self.type(":" + line)
        self.keys("Enter")

    # Looking.

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p", "-t", self.label)

    def lua(self, expression: str):
        """The value of a Lua expression in the running editor, whatever its mode."""
        return self._remote(f"luaeval('vim.json.encode({{ value = {expression.replace(chr(39), chr(39) * 2)} }})')")["value"]

    def run(self, code: str):
        """Runs Lua statements in the running editor; what they return."""
        path = self.folder / "run.lua"
        path.write_text(code)
        return self.lua(f"dofile('{self.inside}/run.lua') or vim.NIL")

    def _remote(self, expression: str):
        command = self.install.command(self.install.nvim, "--clean", "--headless", "--server", f"{self.inside}/rpc", "--remote-expr", expression)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=3, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            raise Failure("the editor does not answer: it may be waiting for a key (Press ENTER)") from None
        try:
            return json.loads(done.stdout)
        except json.JSONDecodeError:
            raise Failure(f"the editor answered {done.stdout.strip()!r} {done.stderr.strip()!r}") from None

    def _alive(self) -> bool:
        try:
            self.pid = self.lua("vim.fn.getpid()")
            return True
        except Failure:
            return False

    def lines(self) -> list[str]:
        return self.lua("vim.api.nvim_buf_get_lines(0, 0, -1, false)")

    def line(self) -> str:
        return self.lua("vim.api.nvim_get_current_line()")

    def marked(self) -> str:
        """The current line with the cursor as a block."""
        return self.run(
            "local c, l = vim.api.nvim_win_get_cursor(0)[2], vim.api.nvim_get_current_line()\n"
            f"return l:sub(1, c) .. '{CURSOR_MARK}' .. l:sub(c + 1)"
        )

    def ghost(self) -> str | None:
        """The virtual text that is drawn now, by either renderer: its lines joined by line breaks; None when there is none."""
        return self.run(
            "local all = vim.api.nvim_get_namespaces()\n"
            "for _, name in ipairs({ 'pilotlight', 'nvim.lsp.inline_completion' }) do\n"
            "  local marks = all[name] and vim.api.nvim_buf_get_extmarks(0, all[name], 0, -1, { details = true }) or {}\n"
            "  if marks[1] then\n"
            "    assert(#marks == 1)\n"
            "    local d, out = marks[1][4], {}\n"
            "    for _, line in ipairs({ d.virt_text, unpack(d.virt_lines or {}) }) do\n"
            "      out[#out + 1] = table.concat(vim.tbl_map(function(c) return c[1] end, line))\n"
            "    end\n"
            "    return table.concat(out, '\\n')\n"
            "  end\n"
            "end"
        )

    def messages(self) -> str:
        return self.lua("vim.fn.execute('messages')")

    # Waiting.

    def until(self, true, what: str, timeout: float = 8.0):
        """Waits for a condition; its value."""
        end = time.monotonic() + timeout
        while True:
            value = true()
            if value:
                return value
            if time.monotonic() > end:
                raise Failure(f"not within {timeout:.0f} s: {what}")
            time.sleep(0.02)

    def sees(self, text: str, timeout: float = 8.0) -> str:
        """Waits until the screen shows `text`."""
        return self.until(lambda: (s := self.screen()) and text in s and s, f"the screen shows {text!r}", timeout)

    def sees_not(self, text: str, timeout: float = 8.0) -> str:
        return self.until(lambda: text not in (s := self.screen()) and s, f"the screen no longer shows {text!r}", timeout)

    def keep(self, name: str) -> None:
        """Keeps the screen as an artefact."""
        if self.artefacts:
            self.artefacts.mkdir(parents=True, exist_ok=True)
            (self.artefacts / f"{self.label}-{name}.txt").write_text(self.screen())

    # The fake server.

    def script(self, script: dict) -> None:
        new = self.folder / "script.new"
        new.write_text(json.dumps(script))
        new.rename(self.folder / "script.json")

    def log(self, method: str | None = None, sender: str = "client") -> list[dict]:
        """What was sent, oldest first: requests and notifications of `method`; or all."""
        path = self.folder / "log.jsonl"
        text = path.read_text() if path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [x["message"] for x in lines if x["from"] == sender and (method is None or x["message"].get("method") == method)]

    def heard(self, method: str, count: int = 1) -> list[dict]:
        """Waits until the server has heard `method` this often; the parameters."""
        found = self.until(lambda: len(f := self.log(method)) >= count and f, f"{count} x {method}")
        return [x.get("params") for x in found]

    def answered(self, count: int) -> None:
        """Waits for this many answers to requests for ghost text, and until the editor has had them."""
        ids = lambda: {m["id"] for m in self.log("textDocument/inlineCompletion")}
        self.until(lambda: len([m for m in self.log(sender="server") if m.get("id") in ids()]) >= count, f"{count} answers")
        time.sleep(0.05)

    def versions_agree(self) -> None:
        """Whatever a check is about: a request names the version of the text that the server was sent last."""
        sent = {}
        for message in self.log():
            document = (message.get("params") or {}).get("textDocument") or {}
            if message.get("method") in ("textDocument/didOpen", "textDocument/didChange"):
                sent[document["uri"]] = document["version"]
            elif message.get("method") == "textDocument/inlineCompletion" and document.get("version", sent[document["uri"]]) != sent[document["uri"]]:
                raise Failure(f"a request for version {document['version']} of a text that was sent as version {sent[document['uri']]}")

    def server_pids(self) -> list[int]:
        """Processes of the language server: children of this Neovim."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        found = []
        for pid in map(int, children):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except OSError:
                continue
            if any("fake_server.lua" in w for w in words) or words[0].endswith("/pilotlight"):
                found.append(pid)
        return found

    def daemons(self) -> list[int]:
        """Processes of the resident daemon."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                environment, words = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if f"PILOTLIGHT_RUNTIME_DIR={self.runtime}".encode() in environment.split(b"\0") and words[1:2] == [b"daemon"]:
                found.append(int(folder.name))
        return found

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.tmux, "kill-session", "-t", self.label], capture_output=True, timeout=20)
        if self.pid and re.search(r"nvim", _cmdline(self.pid)):
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for daemon in self.daemons():
            try:
                os.kill(daemon, signal.SIGKILL)
            except ProcessLookupError:
                pass


def _cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""
