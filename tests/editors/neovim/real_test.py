"""The whole way with the real server and its built-in model: what is typed in a terminal, what is seen there, what is in the buffer.

What a model says is not known beforehand. So a line of a real file is typed again until ghost text appears, and then what is on the screen is held
against what gets into the buffer.
"""

import json
import os
import shutil
import signal
import time

from editor import REPOSITORY, Failure
from ghost_test import equal

SOURCE = "server/syntax/src/position.rs"
PYTHON = "tests/editors/neovim/editor.py"
SIZE = (160, 45)

# Milliseconds from the last key to the first redraw with ghost text, noted by the editor; and of these, how long the server had the question.
STOPWATCH = """
_G.waits = {}
local pressed, server
local asked = {}
vim.api.nvim_create_autocmd('LspRequest', {
  callback = function(event)
    local id, request = event.data.request_id, event.data.request
    if request.method ~= 'textDocument/inlineCompletion' then return end
    if request.type == 'pending' then
      asked[id] = vim.uv.hrtime()
    elseif request.type == 'complete' and pressed and asked[id] and asked[id] > pressed then
      server = (vim.uv.hrtime() - asked[id]) / 1e6
    end
  end,
})
vim.on_key(function() pressed = vim.uv.hrtime() end)
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace('stopwatch'), {
  on_win = function()
    if pressed and #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('pilotlight'), 0, -1, {}) > 0 then
      -- What the person typed along with came without a question: no server is in that.
      waits[#waits + 1] = { total = (vim.uv.hrtime() - pressed) / 1e6, server = server }
      pressed, server = nil, nil
    end
  end,
})
"""


def start(bench, files=None, **options):
    """An editor with the real server, ready."""
    if not bench.binary.exists():
        raise Failure(f"no {bench.binary}: `cargo build --release -p pilotlight`, or set PILOTLIGHT")
    inside = f"/tmp/{bench.tmux}/bin-{bench.install.name}"
    place = bench.install.outside(inside)
    if not (place / "pilotlight").exists():
        place.mkdir(parents=True, exist_ok=True)
        part = place / f"pilotlight.{time.monotonic_ns()}"
        shutil.copy(bench.binary, part)
        part.rename(place / "pilotlight")
    files = files or {"position.rs": (REPOSITORY / SOURCE).read_text()}
    ed = bench.open(files, server=f"'{inside}/pilotlight'", size=SIZE, before="vim.o.wrap = false\n" + STATUSLINE + STOPWATCH, **options)
    ed.until(lambda: ed.lua("require('pilotlight').status()") | {} and (s := ed.lua("require('pilotlight').status()"))["kind"] == "Normal" and not s["busy"] and s["message"], "the model to be ready", 30)
    return ed


STATUSLINE = "vim.o.statusline = \"%f | %{v:lua.require'pilotlight'.statusline()} |\"\n"


def code_lines(text):
    """1-based numbers of lines worth typing again: indented code, not comments."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("    ") and len(line.strip()) > 12 and not line.strip().startswith(("//", "#", '"')):
            yield number, line.strip()


def type_until_ghost(ed, text, wanted=lambda ghost: True):
    """Types lines of the file again, each in its place, until there is ghost text; it."""
    tried = 0
    for number, line in code_lines(text):
        ed.keys("Escape")
        ed.type(f"{number}GS")
        for at, key in enumerate(line):
            ed.type(key)
            end = time.monotonic() + (0.12 if at < 3 else 0.5)
            while time.monotonic() < end:
                ghost = ed.ghost()
                if ghost and wanted(ghost):
                    return ghost
        # As it was, for the next.
        ed.keys("Escape", "u")
        tried += 1
        if tried == 25:
            break
    raise Failure(f"no such ghost text in {tried} lines that were typed again")


def state(ed):
    """The text left of the cursor and right of it, and the screen."""
    text = "\n".join(ed.lines())
    row, col = ed.lua("vim.api.nvim_win_get_cursor(0)")
    lines = [line.encode() for line in ed.lines()]
    at = sum(len(line) + 1 for line in lines[: row - 1]) + col
    data = text.encode()
    return data[:at].decode(), data[at:].decode()


def on_screen(ed, left, ghost):
    first = left.rsplit("\n", 1)[-1] + ghost.split("\n")[0]
    screen = ed.sees(first.rstrip())
    for line in ghost.split("\n")[1:]:
        if line.rstrip() not in screen:
            raise Failure(f"{line!r} is not on the screen")


def test_real_accept_all(bench):
    ed = start(bench)
    ghost = type_until_ghost(ed, (REPOSITORY / SOURCE).read_text())
    left, right = state(ed)
    on_screen(ed, left, ghost)
    ed.keep("ghost")
    ed.keys("Tab")
    ed.until(lambda: "".join(state(ed)).startswith(left + ghost), "the text in the buffer")
    ed.keep("accepted")
    accepted, rest = state(ed)
    equal(accepted, left + ghost)
    if not right.endswith(rest):
        raise Failure("what follows the cursor was changed")


def test_real_by_word_and_line(bench):
    ed = start(bench)
    ghost = type_until_ghost(ed, (REPOSITORY / SOURCE).read_text(), lambda g: len(g.split()) > 2)
    left, _ = state(ed)
    ed.keep("ghost")
    ed.keys("M-w")
    ed.until(lambda: state(ed)[0] != left, "a word")
    taken = state(ed)[0].removeprefix(left)
    if not (ghost.startswith(taken) and taken.strip() and taken != ghost):
        raise Failure(f"{taken!r} is no word of {ghost!r}")
    more = ed.until(ed.ghost, "the rest is still shown")
    ed.keep("one-word")
    ed.keys("M-l")
    line = more.split("\n")[0]
    ed.until(lambda: state(ed)[0] == left + taken + line, f"the rest of the line, {line!r}")


def test_real_typing_along(bench):
    ed = start(bench)
    ghost = type_until_ghost(ed, (REPOSITORY / SOURCE).read_text(), lambda g: len(g.split("\n")[0]) > 5)
    left, _ = state(ed)
    ed.type(ghost[:4], pause=0.05)
    ed.until(lambda: state(ed)[0] == left + ghost[:4], "typed")
    equal((ed.ghost() or "")[: len(ghost) - 4], ghost[4:])
    ed.keys("Escape", "a")
    ed.type("§§§")
    ed.until(lambda: ed.ghost() is None, "another text takes it away")


def test_real_dismiss_toggle_status(bench):
    ed = start(bench)
    text = (REPOSITORY / SOURCE).read_text()
    ed.sees("| ● ")
    type_until_ghost(ed, text)
    ed.keys("C-]")
    ed.until(lambda: ed.ghost() is None, "dismissed")
    ed.keys("Escape", "u")
    ed.command("Pilotlight why")
    ed.sees("Tokens:")
    ed.sees("Milliseconds:")
    ed.keep("why")
    ed.keys("q")
    ed.command("Pilotlight toggle")
    ed.sees("| ○ pilotlight off |")
    ed.type("Golet text_is_off = ")
    time.sleep(0.5)
    equal(ed.ghost(), None)
    ed.keys("Escape", "u")
    ed.command("Pilotlight toggle")
    ed.sees("| ● ")
    type_until_ghost(ed, text)
    equal(ed.messages().count("rror"), 0)


def test_real_checkhealth(bench):
    ed = start(bench)
    ed.command("checkhealth pilotlight")
    ed.until(lambda: "Keys" in "\n".join(ed.lines()), "the report")
    report = "\n".join(ed.lines())
    ed.keep("report")
    for part in ("OK version: pilotlight", "OK running: ", "OK it offers inline completion", "OK model and state: ", "OK position.rs: attached"):
        if part not in report:
            raise Failure(f"no {part!r} in\n{report}")
    if "ERROR" in report or "WARNING" in report:
        raise Failure(report)


def test_real_second_file(bench):
    python = (REPOSITORY / PYTHON).read_text()
    ed = start(bench, {"position.rs": (REPOSITORY / SOURCE).read_text(), "editor.py": python})
    first = ed.server_pids()
    ed.command("edit editor.py")
    ed.until(lambda: ed.lua("vim.bo.filetype") == "python", "the second file")
    ghost = type_until_ghost(ed, python)
    on_screen(ed, state(ed)[0], ghost)
    ed.keep("python")
    equal(ed.server_pids(), first)


def test_real_death_and_restart(bench):
    ed = start(bench)
    pid = ed.until(ed.server_pids, "a server process")[0]
    os.kill(pid, signal.SIGKILL)
    ed.sees("✗ server stopped (signal 9); :Pilotlight restart")
    ed.command("Pilotlight restart")
    ed.sees("| ● ", timeout=30)
    ghost = type_until_ghost(ed, (REPOSITORY / SOURCE).read_text())
    on_screen(ed, state(ed)[0], ghost)


def test_real_death_of_the_daemon(bench):
    """The bridge finds another: the person sees nothing of it."""
    ed = start(bench)
    text = (REPOSITORY / SOURCE).read_text()
    bridge, daemon = ed.server_pids(), ed.until(ed.daemons, "a daemon")
    type_until_ghost(ed, text)
    os.kill(daemon[0], signal.SIGKILL)
    ed.keys("Escape", "u")
    ghost = type_until_ghost(ed, text)
    on_screen(ed, state(ed)[0], ghost)
    equal(ed.server_pids(), bridge)
    if ed.daemons() == daemon:
        raise Failure("the daemon was not ended")
    equal(ed.messages().strip().count("pilotlight"), 0)


def test_real_odd_files(bench):
    """CRLF, and characters of every width left of the cursor: the text the server has stays the editor's."""
    text = "".join(f"{line}\r\n" for line in (REPOSITORY / SOURCE).read_text().replace("    ", "    /* 日本🚲é */ ").splitlines())
    ed = start(bench, {"odd.rs": text})
    equal(ed.lua("vim.bo.fileformat"), "dos")
    ed.type("20Go")
    ed.type("    /* 🚲🚲 */ let position = Position {", pause=0.02)
    time.sleep(0.5)
    ed.keys("Escape", "u")
    ed.command("Pilotlight log")
    ed.until(lambda: ed.lua("vim.bo.buftype") == "nofile", "the log")
    log = "\n".join(ed.lines())
    for bad in ("out of sync", "panicked", "rror"):
        if bad in log.split("\n", 1)[1]:
            raise Failure(f"the server's log says {bad!r}:\n{log}")


def test_real_speed(bench):
    """No limit is held here, as these machines are shared; the figures are kept beside the screens."""
    ed = start(bench)
    text = (REPOSITORY / SOURCE).read_text()
    keys = 0
    for number, line in list(code_lines(text))[:6]:
        ed.keys("Escape")
        ed.type(f"{number}GS")
        ed.type(line, pause=0.12)
        keys += len(line)
    waits = [wait for wait in ed.lua("waits") if "server" in wait]
    if not waits:
        raise Failure("no ghost text at all")
    figures = {"keys": keys, "samples": len(waits), "server_share": round(sum(w["server"] for w in waits) / sum(w["total"] for w in waits), 3)}
    for part in ("total", "server"):
        values = sorted(wait[part] for wait in waits)
        figures[part] = {"p50": round(values[len(values) // 2], 2), "p95": round(values[int(len(values) * 0.95)], 2)}
    if ed.artefacts:
        ed.artefacts.mkdir(parents=True, exist_ok=True)
        (ed.artefacts / f"speed-{bench.install.name}.json").write_text(json.dumps(figures, indent=2))
