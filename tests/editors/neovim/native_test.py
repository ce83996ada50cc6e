"""The same through Neovim 0.12's own vim.lsp.inline_completion (`ghost.native = true`)."""

from editor import CURSOR_MARK
from ghost_test import equal, rule, start

NATIVE = "{ ghost = { native = true } }"


def test_native_accept(bench):
    ed = start(bench, [rule("let x", " = 42;")], setup=NATIVE)
    ed.type("let x", pause=0.03)
    ed.sees("    let x = 42;")
    equal(ed.lua("vim.lsp.inline_completion.is_enabled({ bufnr = 0 })"), True)
    equal(ed.lua("#vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('pilotlight'), 0, -1, {})"), 0)
    ed.keep("ghost")
    ed.keys("Tab")
    ed.until(lambda: ed.marked() == f"    let x = 42;{CURSOR_MARK}", "the text in the buffer")
    equal(ed.heard("workspace/executeCommand")[0]["arguments"], [1])


def test_native_nothing_is_doubled(bench):
    # Neovim shows the old text while the next answer is awaited; accepting it by itself would insert " =" again.
    ed = start(bench, [rule("let x", " = 42;"), rule("", " never", delay=5000)], setup=NATIVE)
    ed.type("let x")
    ed.sees("    let x = 42;")
    ed.type(" =")
    ed.until(lambda: ed.line() == "    let x =", "typed")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted, nothing doubled")


def test_native_something_else_was_typed(bench):
    # Neovim still shows the old text, and would insert it.
    ed = start(bench, [rule("let x", " = 42;"), rule("", " never", delay=5000)], setup=NATIVE)
    ed.type("let x")
    ed.sees("    let x = 42;")
    ed.type("y")
    ed.keys("Tab")
    ed.type("z")
    ed.until(lambda: ed.line() == "    let xyz", "nothing inserted")


def test_native_word_and_line(bench):
    ed = start(bench, [rule("if x {", "\n        y();\n    }"), rule("", "z(a);\n    }", delay=100)], setup=NATIVE)
    ed.type("if x {")
    ed.sees("        y();")
    ed.keys("M-l")
    ed.until(lambda: ed.lines()[1:3] == ["    if x {", "        y();"], "the first line")
    equal(ed.heard("textDocument/didPartiallyAcceptCompletion")[0]["acceptedLength"], 13)
    ed.sees("y();z(a);")
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "        y();z", "the next word")


def test_native_candidates_and_dismiss(bench):
    ed = start(bench, [rule("let x", " = 1;", " = 2;")], setup=NATIVE)
    ed.type("let x")
    ed.sees("let x = 1;")
    ed.keys("M-n")
    ed.sees("let x = 2; (2/2)")
    ed.keys("C-]")
    ed.sees_not("= 2;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x   ", "the key itself")


def test_native_toggle(bench):
    ed = start(bench, [rule("let x", " = 1;")], setup=NATIVE)
    ed.type("let x")
    ed.sees("let x = 1;")
    ed.keys("Escape")
    ed.command("Pilotlight toggle buffer")
    ed.heard("textDocument/didClose")
    ed.keys("A", "BSpace", "x")
    ed.until(lambda: ed.line() == "    let x", "typed")
    import time

    time.sleep(0.5)
    equal(ed.ghost(), None)


for check in list(globals().values()):
    if getattr(check, "__module__", "") == __name__ and callable(check):
        check.editors = ("0.12",)
