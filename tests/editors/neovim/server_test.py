"""Starting, stopping, losing and finding the server; which buffers it gets; what it says of itself."""

import os
import signal
import time

from editor import Failure
from ghost_test import MAIN, equal, rule, start

RULES = [rule("let x", " = 42;")]
STATUSLINE = "vim.o.statusline = \"%f | %{v:lua.require'pilotlight'.statusline()} |\""


def test_status_in_the_statusline(bench):
    ed = start(bench, RULES, before=STATUSLINE, script={"status": {"kind": "Normal", "busy": True, "message": "loading ember 40%"}})
    ed.sees("| ◐ loading ember 40  |")
    ed.keep("busy")
    for status, shown in [
        ({"kind": "Normal", "busy": False, "message": "ember"}, "| ● ember |"),
        ({"kind": "Warning", "busy": False, "message": "slow"}, "| ▲ slow |"),
        ({"kind": "Error", "busy": False, "message": "no model"}, "| ✗ no model |"),
        ({"kind": "Inactive", "busy": False, "message": ""}, "| ○ pilotlight |"),
    ]:
        # As the server would: through the client's handler for the notification.
        ed.run(f"local c = vim.lsp.get_clients({{ name = 'pilotlight' }})[1]\nc.handlers['didChangeStatus'](nil, vim.json.decode([[{__import__('json').dumps(status)}]]), {{ client_id = c.id }})")
        ed.sees(shown)
    equal(ed.lua("require('pilotlight').status().kind"), "Inactive")


def test_status_event(bench):
    ed = start(bench, RULES, before="_G.seen = {} vim.api.nvim_create_autocmd('User', { pattern = 'PilotlightStatus', callback = function(e) table.insert(seen, e.data.message) end })",
               script={"status": {"kind": "Normal", "busy": False, "message": "ember"}})
    ed.until(lambda: "ember" in ed.lua("seen"), "the event")


def test_death_and_restart(bench):
    ed = start(bench, RULES, before=STATUSLINE)
    ed.type("let x")
    ed.sees("let x = 42;")
    pid = ed.until(ed.server_pids, "a server process")[0]
    os.kill(pid, signal.SIGKILL)
    ed.sees("server stopped (signal 9); :Pilotlight restart, log")
    ed.keep("died")
    equal(ed.ghost(), None)
    equal(ed.lua("require('pilotlight').status().kind"), "Error")
    # Typing goes on, and no new server appears unasked: not by typing, not by another file.
    ed.type("y")
    ed.until(lambda: ed.line() == "    let xy", "typing goes on")
    ed.keys("Escape")
    (ed.folder / "work/other.rs").write_text(MAIN)
    ed.command("edit! other.rs")
    ed.sees("✗ server stopped (signal 9); :Pilotlight restart")
    time.sleep(0.3)
    equal(ed.server_pids(), [])
    ed.command("Pilotlight restart")
    ed.heard("textDocument/didOpen", 3)  # main.rs, then both again.
    ed.keys("j", "A")
    ed.type("let x")
    ed.sees("let x = 42;")
    equal(len(ed.server_pids()), 1)


def test_what_is_typed_without_a_server_does_not_cut_the_next_one_off(bench):
    ed = start(bench, RULES)
    os.kill(ed.until(ed.server_pids, "a server process")[0], signal.SIGKILL)
    ed.sees("server stopped (signal 9)")
    ed.type("y")
    ed.keys("Escape")
    ed.command("Pilotlight restart")
    ed.heard("textDocument/didOpen", 2)
    loud(ed)
    ed.command("edit!")
    reread = ed.heard("textDocument/didOpen", 3)[2]["textDocument"]
    equal(reread["text"], MAIN)
    ed.keys("j")
    loud(ed)
    ed.command("bdelete!")
    ed.heard("textDocument/didClose", 2)


def test_restart_of_a_running_server(bench):
    ed = start(bench, RULES)
    before = ed.until(ed.server_pids, "a server process")
    ed.keys("Escape")
    ed.command("Pilotlight restart")
    ed.heard("exit")
    ed.heard("initialize", 2)
    after = ed.until(lambda: (now := ed.server_pids()) and now != before and now, "another process")
    equal(len(after), 1)
    equal(ed.messages().strip(), "")
    ed.keys("A")
    ed.type("let x")
    ed.sees("let x = 42;")


def test_stop(bench):
    ed = start(bench, RULES, before=STATUSLINE)
    ed.keys("Escape")
    ed.command("Pilotlight stop")
    ed.heard("exit")
    ed.until(lambda: ed.server_pids() == [], "the process to be gone")
    ed.sees("○ stopped")
    equal(ed.messages().strip(), "")
    ed.command("Pilotlight start")
    ed.heard("textDocument/didOpen", 2)


def test_leaving_the_editor(bench):
    ed = start(bench, RULES)
    pid = ed.until(ed.server_pids, "a server process")[0]
    ed.keys("Escape")
    ed.command("qa!")

    def gone():
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True

    ed.until(gone, "the server goes with the editor")
    equal(len(ed.log("shutdown")), 1)


def test_a_binary_that_is_not_there(bench):
    ed = bench.open({"main.rs": MAIN}, server="'/nowhere/pilotlight'", before=STATUSLINE)
    ed.sees("no server binary; :checkhealth pilotlight says more")
    ed.keep("message")
    ed.sees("✗ no server binary; :checkhealth pilotlight")
    ed.command("checkhealth pilotlight")
    ed.sees("no server binary: setup{cmd} names /nowhere/pilotlight, which is not an executable")
    ed.keep("health")


def test_where_the_binary_is_looked_for(bench):
    fake = "nil"
    ed = bench.open({"main.rs": MAIN}, server=fake, env={"PILOTLIGHT": "/nowhere/either"})
    equal(ed.run("return select(2, require('pilotlight.client').command())"), "$PILOTLIGHT is /nowhere/either, which is not an executable")
    ed.run("vim.env.PILOTLIGHT = vim.v.progpath")
    equal(ed.lua("{ require('pilotlight.client').command() }"), [ed.lua("{ vim.v.progpath, 'lsp' }"), "$PILOTLIGHT"])
    ed.run("vim.env.PILOTLIGHT = nil")
    equal(ed.run("return select(2, require('pilotlight.client').command())"), "no `pilotlight` on PATH, no $PILOTLIGHT, no setup{cmd}")
    ed.run("local d = vim.fn.tempname() vim.fn.mkdir(d) vim.uv.fs_symlink(vim.v.progpath, d .. '/pilotlight') vim.env.PATH = d .. ':' .. vim.env.PATH")
    found, source = ed.lua("{ require('pilotlight.client').command() }")
    equal((found[0].rsplit("/", 1)[1], found[1], source), ("pilotlight", "lsp", "PATH"))


def test_a_server_that_dies_at_once(bench):
    ed = bench.open({"main.rs": MAIN}, server="{ '/bin/sh', '-c', 'echo no model here >&2; exit 3' }")
    ed.sees("server stopped (exit status 3)")
    time.sleep(0.3)
    equal(ed.messages().strip(), "pilotlight: server stopped (exit status 3); :Pilotlight restart, log")


def test_a_second_file_and_workspace(bench):
    files = {"a/Cargo.toml": "", "a/main.rs": MAIN, "b/go.mod": "", "b/main.go": "func main() {\n\t\n}\n"}
    ed = start(bench, RULES + [rule("y :", "= 1")], files=files, open_file="a/main.rs")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Escape")
    ed.command("edit b/main.go")
    opened = ed.heard("textDocument/didOpen", 2)[1]["textDocument"]
    equal(opened["languageId"], "go")
    folder = ed.heard("workspace/didChangeWorkspaceFolders")[0]["event"]["added"][0]
    equal(folder["uri"], f"file://{ed.inside}/work/b")
    equal(ed.log("initialize")[0]["params"]["workspaceFolders"][0]["uri"], f"file://{ed.inside}/work/a")
    ed.keys("j", "A")
    ed.type("y :")
    ed.sees("y := 1")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "\ty := 1", "accepted")
    ed.keys("Escape")
    ed.command("buffer 1")
    ed.keys("A")
    ed.sees("let x = 42;")
    equal(len(ed.log("initialize")), 1)
    equal(len(ed.server_pids()), 1)
    equal(len(ed.log("workspace/didChangeWorkspaceFolders")), 1)


def quiet(ed, text="let x"):
    """Nothing comes for what is typed."""
    asked = len(ed.log("textDocument/inlineCompletion"))
    ed.keys("A", "C-u")
    ed.type(text)
    ed.until(lambda: ed.line().strip() == text, "typed")
    time.sleep(0.3)
    equal(ed.ghost(), None)
    equal(len(ed.log("textDocument/inlineCompletion")), asked)
    ed.keys("Escape")


def loud(ed):
    ed.keys("A", "C-u")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Escape")


def test_toggle(bench):
    ed = start(bench, RULES, before=STATUSLINE)
    ed.keys("Escape")
    loud(ed)
    for count, (scope, said) in enumerate([("buffer", "off in this buffer"), ("filetype", "off for file type rust"), ("global", "off everywhere")], 1):
        ed.command(f"Pilotlight toggle {scope}")
        ed.sees(said)
        ed.heard("textDocument/didClose", count)  # Off means that nothing of it is sent.
        ed.sees("○ pilotlight off")
        ed.keep(scope)
        quiet(ed)
        ed.command(f"Pilotlight toggle {scope}")
        ed.heard("textDocument/didOpen", count + 1)
        loud(ed)
    equal(len(ed.log("initialize")), 1)  # The server stayed warm.


def test_toggle_while_ghost_text_is_shown(bench):
    ed = start(bench, RULES)
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.run("require('pilotlight').toggle()")
    ed.sees_not("= 42;")
    ed.run("require('pilotlight').toggle()")
    ed.sees("let x = 42;")


def test_what_is_off_is_never_sent(bench):
    ed = bench.open({"main.rs": MAIN, "notes.md": "# x\n"}, script={"rules": RULES}, setup="{ filetypes = { ['*'] = false, rust = true } }", open_file="notes.md")
    equal(ed.lua("require('pilotlight').status().off"), "off for file type markdown (:Pilotlight toggle filetype)")
    ed.command("enew")
    ed.until(lambda: ed.lua("require('pilotlight').status().off") == "the buffer has no file name", "a buffer without a name to be off")
    ed.command("edit main.rs")
    ed.heard("textDocument/didOpen")
    uris = [p["textDocument"]["uri"] for p in ed.heard("textDocument/didOpen")]
    equal(uris, [f"file://{ed.inside}/work/main.rs"])
    ed.command("edit notes.md")
    ed.until(lambda: ed.lua("vim.bo.filetype") == "markdown", "the other file")
    ed.run("vim.b.pilotlight_enabled = true")
    ed.keys("A")
    equal(ed.heard("textDocument/didOpen", 2)[1]["textDocument"]["languageId"], "markdown")


def test_switched_off_by_the_buffers_variable_alone(bench):
    ed = start(bench, RULES)
    ed.keys("Escape")
    loud(ed)
    ed.run("vim.b.pilotlight_enabled = false")
    quiet(ed, "secret")
    ed.heard("textDocument/didClose")
    if any("secret" in str(m) for m in ed.log()):
        raise Failure("what was typed has been sent")
    ed.run("vim.b.pilotlight_enabled = true")
    loud(ed)


def test_a_server_that_was_stopped_stays_so(bench):
    ed = start(bench, RULES)
    ed.keys("Escape")
    ed.run("vim.b.pilotlight_enabled = true")
    loud(ed)
    ed.keys("Escape")
    ed.run("for _, c in ipairs(vim.lsp.get_clients({ name = 'pilotlight' })) do c:stop() end")
    ed.until(lambda: ed.server_pids() == [], "the server to end")
    for _ in range(5):
        ed.keys("j", "k")
        time.sleep(0.2)
    equal(ed.server_pids(), [])


def test_switched_off_in_normal_mode_by_the_buffers_variable(bench):
    ed = start(bench, RULES)
    ed.keys("Escape")
    ed.run("vim.b.pilotlight_enabled = false")
    ed.keys("d", "d")
    ed.heard("textDocument/didClose")
    equal(ed.log("textDocument/didChange"), [])


def test_switched_off_by_another_file_type(bench):
    ed = start(bench, RULES, setup="{ filetypes = { text = false } }")
    ed.keys("Escape")
    loud(ed)
    ed.command("set filetype=text")
    ed.heard("textDocument/didClose")
    quiet(ed)
    ed.command("set filetype=rust")
    ed.heard("textDocument/didOpen", 2)
    loud(ed)


def test_another_file_type_is_told(bench):
    ed = start(bench, RULES, files={"deploy.sh": MAIN})
    ed.type("let")
    ed.keys("Escape")
    ed.command("set filetype=python")
    again = ed.heard("textDocument/didOpen", 2)
    equal([it["textDocument"]["languageId"] for it in again], ["sh", "python"])
    equal(again[1]["textDocument"]["text"].split("\n")[1], "    let")
    ed.heard("textDocument/didClose")
    ed.keys("A")
    ed.type(" x")
    ed.sees("let x = 42;")
    ed.keys("Tab", "Escape")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")
    ed.command("set filetype=python")
    ed.command("edit! other.sh")
    ed.command("buffer 1")
    time.sleep(0.3)
    equal([it["textDocument"]["languageId"] for it in ed.heard("textDocument/didOpen", 3)], ["sh", "python", "sh"])


def test_an_action_may_make_a_file(bench):
    text = "def test_f():\n    f()\n"
    ed = bench.open({"a.py": "def f():\n    pass\n"}, script={"actions": []})
    home = ed.heard("textDocument/didOpen")[0]["textDocument"]
    edits = ed.log("initialize")[0]["params"]["capabilities"]["workspace"]["workspaceEdit"]
    equal((edits["documentChanges"], edits.get("changeAnnotationSupport"), "create" in edits["resourceOperations"]), (True, None, True))
    new, start_ = home["uri"].replace("a.py", "test_a.py"), {"line": 0, "character": 0}
    edit = [
        {"kind": "create", "uri": new, "options": {"overwrite": False, "ignoreIfExists": False}},
        {"textDocument": {"uri": new, "version": None}, "edits": [{"range": {"start": start_, "end": start_}, "newText": text}]},
        {"textDocument": {"uri": home["uri"], "version": home["version"]}, "edits": [{"range": {"start": start_, "end": start_}, "newText": "# f\n"}]},
    ]
    ed.script({"actions": [{"title": "Add tests", "kind": "refactor.rewrite.test", "edit": {"documentChanges": edit}}]})
    ed.run("_G.ns = vim.api.nvim_create_namespace('t') vim.diagnostic.set(ns, 0, { { lnum = 0, col = 4, message = 'odd', severity = 1 } })")
    ed.heard("pilotlight/didChangeDiagnostics")
    ed.run("vim.lsp.buf.code_action({ apply = true })")
    ed.until(lambda: ed.lines() == ["# f", "def f():", "    pass"], "the edit of a version")
    equal(ed.lua("vim.api.nvim_buf_get_lines(vim.fn.bufnr('test_a.py'), 0, -1, false)")[:2], text.split("\n")[:2])
    # Why they are told: Neovim hands over none that others report.
    equal(ed.log("textDocument/codeAction")[0]["params"]["context"]["diagnostics"], [])


def test_not_enabled_at_first(bench):
    ed = bench.open({"main.rs": MAIN}, script={"rules": RULES}, setup="{ enabled = false }")
    time.sleep(0.4)
    equal(ed.server_pids(), [])
    ed.command("Pilotlight toggle")
    ed.heard("textDocument/didOpen")


def test_a_long_message_does_not_stop_typing(bench):
    text = "Pilotlight: " + "cannot load the model: " * 20 + "the end"
    ed = start(bench, RULES, script={"message": text})
    ed.type("let x")
    ed.sees("let x = 42;")
    shown = ed.messages().strip()
    if not shown.startswith("pilotlight: cannot load the model: cannot load") or not shown.endswith("… (:Pilotlight log)") or len(shown) > 88:
        raise Failure(shown)
    ed.keys("Escape")
    ed.command("Pilotlight log")
    ed.sees("the end")


def test_settings_reach_the_server(bench):
    ed = start(bench, RULES, setup="{ init_options = { engine = { model = 'x.gguf' }, editorInfo = { name = 'mine' } } }")
    sent = ed.log("initialize")[0]["params"]["initializationOptions"]
    equal((sent["engine"], sent["editorInfo"]["name"]), ({"model": "x.gguf"}, "mine"))
