"""The next edit: shown where it would be made, taken and dropped by keys of its own."""

import time

from editor import Failure
from ghost_test import equal

TEXT = "fn area(a: u8) {}\nfn one() { area(1); }\nfn two() { area(2); }\n"
EDITS = [
    {"line": 1, "from": 11, "to": 15, "text": "size"},
    {"line": 2, "from": 11, "to": 15, "text": "size"},
]


def start(bench, edits, files=None, **options):
    ed = bench.open(files or {"main.rs": TEXT}, script={"next_edits": edits}, **options)
    ed.heard("textDocument/didOpen")
    return ed


def rename(ed):
    """As a person would: the name where it is defined."""
    ed.keys("f", "a")
    ed.type("cwsize")
    ed.keys("Escape")


def marks(ed):
    return ed.run(
        "local space = vim.api.nvim_get_namespaces()['pilotlight.next_edit']\n"
        "return vim.tbl_map(function(m) return { m[2], m[3], (m[4].virt_text or {{''}})[1][1] } end,\n"
        "  vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }))"
    )


def test_next_edit_is_taken_one_after_the_other(bench):
    ed = start(bench, EDITS)
    time.sleep(0.5)
    equal(marks(ed), [])
    rename(ed)
    ed.until(lambda: marks(ed) == [[1, 11, ""], [1, 15, "size"]], "the first edit is shown")
    ed.sees("areasize(1)")
    ed.keep("next-edit")
    where = ed.lua("vim.api.nvim_win_get_cursor(0)")
    equal(where[0], 1)  # Nobody has moved it.
    ed.keys("M-Enter")
    ed.until(lambda: ed.lua("vim.api.nvim_win_get_cursor(0)") == [2, 11], "the cursor goes there when asked")
    equal(ed.lines()[1], "fn one() { area(1); }")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lines()[1] == "fn one() { size(1); }", "it is made")
    ed.until(lambda: marks(ed) == [[2, 11, ""], [2, 15, "size"]], "the next one is shown")
    equal([c["command"] for c in ed.heard("workspace/executeCommand")], ["pilotlight.takeEdit"])
    ed.command("Pilotlight next-edit")
    ed.until(lambda: ed.lua("vim.api.nvim_win_get_cursor(0)") == [3, 11], "the command does what the key does")
    ed.keys("u")
    ed.until(lambda: ed.lines()[1] == "fn one() { area(1); }", "one undo takes one edit back")


def test_next_edit_is_dropped_by_escape(bench):
    ed = start(bench, EDITS[:1], before="vim.g.escapes = 0 vim.keymap.set('n', '<Esc>', function() vim.g.escapes = vim.g.escapes + 1 end)")
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.keys("Escape")
    ed.until(lambda: marks(ed) == [], "it is gone")
    equal([c["command"] for c in ed.heard("workspace/executeCommand")], ["pilotlight.dismissEdit"])
    equal(ed.lua("vim.g.escapes"), 0)
    ed.keys("Escape")
    ed.until(lambda: ed.lua("vim.g.escapes") == 1, "the key is the person's own again")
    equal(ed.lines()[1], "fn one() { area(1); }")


def test_next_edit_not_offered_where_one_types_is_offered_when_the_cursor_has_left(bench):
    ed = start(bench, [{**EDITS[1], "not_in_line": 0}])
    rename(ed)
    ed.heard("pilotlight/nextEdit")
    equal(marks(ed), [])
    ed.keys("j")
    ed.until(lambda: marks(ed) == [[2, 11, ""], [2, 15, "size"]], "it is shown")
    equal(ed.lua("vim.api.nvim_win_get_cursor(0)")[0], 2)  # Nobody has moved it further.


def test_next_edit_for_another_text_is_not_shown(bench):
    ed = start(bench, [{**EDITS[0], "version": 99}])
    rename(ed)
    ed.heard("pilotlight/nextEdit")
    time.sleep(0.3)
    equal(marks(ed), [])
    if ed.lua("require('pilotlight.next_edit').accept()"):
        raise Failure("there was nothing to take")


def test_next_edit_outlives_writing(bench):
    ed = start(bench, EDITS[:1])
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.command("w")
    ed.until(lambda: not ed.lua("vim.bo.modified"), "written")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lua("vim.api.nvim_win_get_cursor(0)") == [2, 11], "the cursor goes there")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lines()[1] == "fn one() { size(1); }", "it is made")
    equal(marks(ed), [])


def test_next_edit_elsewhere_goes_when_that_file_is_read_anew(bench):
    other = "fn three() { area(3); }\n"
    ed = start(bench, [{"line": 0, "from": 13, "to": 17, "text": "size", "name": "other.rs"}], files={"main.rs": TEXT, "other.rs": other}, before="vim.o.autoread = true")
    ed.command("botright split other.rs")
    ed.heard("textDocument/didOpen", 2)
    ed.command("wincmd t")
    rename(ed)
    ed.until(lambda: ed.lua("require('pilotlight.next_edit').visible()"), "it is on offer")
    (ed.folder / "work/other.rs").write_text("// now it begins otherwise\n" + other)
    ed.command("checktime")
    ed.until(lambda: not ed.lua("require('pilotlight.next_edit').visible()"), "it is for another text")


COUNT = "vim.g.{0} = 0 vim.keymap.set({1}, '{2}', function() vim.g.{0} = vim.g.{0} + 1 end{3})"


def test_next_edit_leaves_a_buffers_own_escape(bench):
    ed = start(bench, EDITS[:1])
    ed.run(COUNT.format("escapes", "'n'", "<Esc>", ", { buffer = 0 }"))
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.keys("Escape")
    ed.until(lambda: ed.lua("vim.g.escapes") == 1, "the key is the person's while it is shown")
    ed.keys("x")
    ed.until(lambda: marks(ed) == [] or ed.lines()[0] == "fn siz(a: u8) {}", "the text is changed")
    ed.command("Pilotlight dismiss-edit")
    ed.until(lambda: marks(ed) == [], "it is gone")
    ed.keys("Escape")
    ed.until(lambda: ed.lua("vim.g.escapes") == 2, "and afterwards")


def test_next_edit_leaves_another_buffers_own_escape(bench):
    other = "fn three() { area(3); }\n"
    ed = start(bench, [{"line": 0, "from": 13, "to": 17, "text": "size", "name": "other.rs"}], files={"main.rs": TEXT, "other.rs": other})
    ed.command("edit other.rs")
    ed.heard("textDocument/didOpen", 2)
    ed.run(COUNT.format("escapes", "'n'", "<Esc>", ", { buffer = 0 }"))
    ed.command("buffer 1")
    rename(ed)
    ed.until(lambda: ed.lua("require('pilotlight.next_edit').visible()"), "it is on offer")
    ed.keys("M-Enter")
    ed.until(lambda: ed.line() == other.strip(), "the cursor goes there")
    ed.keys("Escape")
    ed.until(lambda: ed.lua("vim.g.escapes") == 1, "the key is the person's")
    ed.keys("M-Enter")
    ed.until(lambda: ed.line() == "fn three() { size(3); }", "it is made")
    ed.keys("Escape")
    ed.until(lambda: ed.lua("vim.g.escapes") == 2, "and afterwards")


def test_next_edit_key_does_what_it_did_without_an_offer(bench):
    ed = start(bench, EDITS[:1], before=COUNT.format("enters", "{ 'n', 'i' }", "<M-CR>", ""))
    ed.keys("M-Enter")
    ed.until(lambda: ed.lua("vim.g.enters") == 1, "the person's mapping in normal mode")
    ed.keys("A")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lua("vim.g.enters") == 2, "and in insert mode")
    ed.keys("Escape", "0")
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lua("vim.api.nvim_win_get_cursor(0)") == [2, 11], "ours, when there is an offer")
    equal(ed.lua("vim.g.enters"), 2)


def test_next_edit_in_insert_mode_is_one_undo(bench):
    ed = start(bench, EDITS[:1])
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.keys("j", "A")
    ed.type(" //")
    ed.until(lambda: ed.lines()[1] == "fn one() { area(1); } //" and marks(ed), "it is shown again")
    ed.keys("M-Enter")
    ed.until(lambda: ed.lines()[1] == "fn one() { size(1); } //", "it is made")
    ed.keys("Escape", "u")
    ed.until(lambda: ed.lines()[1] == "fn one() { area(1); } //", "the first undo takes the edit alone")


def test_next_edit_goes_with_the_server(bench):
    ed = start(bench, EDITS[:1])
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.command("Pilotlight stop")
    ed.heard("exit")
    ed.until(lambda: marks(ed) == [], "it is gone")
    equal(ed.lua("vim.fn.maparg('<Esc>', 'n')"), "")
    equal(ed.lua("require('pilotlight.next_edit').visible()"), False)


def test_next_edit_goes_when_the_buffer_is_switched_off(bench):
    ed = start(bench, EDITS[:1])
    rename(ed)
    ed.until(lambda: marks(ed), "it is shown")
    ed.command("Pilotlight toggle buffer")
    ed.heard("textDocument/didClose")
    ed.until(lambda: marks(ed) == [], "it is gone")
    ed.keys("M-Enter", "M-Enter")
    equal(ed.lines()[1], "fn one() { area(1); }")
