"""Ghost text of the plugin's own renderer, against a server that answers as it is told."""

import time

from editor import CURSOR_MARK, Failure

MAIN = "fn main() {\n    \n}\n"
BODY = " x: u32) -> u32 {\n        x + 1\n    }"


def rule(before, *texts, **more):
    return {"before": before, "items": [{"text": t, "id": i + 1} if isinstance(t, str) else t for i, t in enumerate(texts)], **more}


def start(bench, rules, files=None, **options):
    """An editor in insert mode at the end of the second line."""
    script = {"rules": rules, **options.pop("script", {})}
    ed = bench.open(files or {"main.rs": MAIN}, script=script, **options)
    ed.heard("textDocument/didOpen")
    ed.keys("j", "A")
    ed.until(lambda: ed.lua("vim.api.nvim_get_mode().mode") == "i", "insert mode")
    return ed


def equal(found, expected):
    if found != expected:
        raise Failure(f"expected {expected!r}\n  found    {found!r}")


def test_accept_all(bench):
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x", pause=0.03)
    ed.sees("    let x = 42;")
    equal(ed.lines()[1], "    let x")  # Only on the screen.
    ed.keep("ghost")
    ed.keys("Tab")
    ed.until(lambda: ed.marked() == f"    let x = 42;{CURSOR_MARK}", "the text in the buffer, the cursor behind it")
    accepted = ed.heard("workspace/executeCommand")
    equal(accepted[0]["command"], "pilotlight.accept")
    equal(accepted[0]["arguments"], [1])
    equal(ed.log("textDocument/didPartiallyAcceptCompletion"), [])
    equal(len(ed.log("textDocument/didShowCompletion")), 1)
    equal(ed.ghost(), None)
    ed.type(" // typed on")
    ed.until(lambda: ed.line() == "    let x = 42; // typed on", "typing goes on")
    ed.keep("accepted")


def test_request_as_promised(bench):
    ed = start(bench, [rule("let é", " = 1;")], files={"main.rs": "fn main() {\n\t\n}\n"}, before="vim.o.expandtab = false vim.o.tabstop = 3 vim.o.shiftwidth = 0 vim.g.rust_recommended_style = false")
    ed.type("let é")
    ed.until(ed.ghost, "ghost text")
    request = ed.log("textDocument/inlineCompletion")[-1]["params"]
    equal(request["position"], {"line": 1, "character": 6})
    equal(request["context"], {"triggerKind": 2})
    equal(request["formattingOptions"], {"tabSize": 3, "insertSpaces": False})
    equal(request["textDocument"]["version"], ed.log("textDocument/didChange")[-1]["params"]["textDocument"]["version"])
    start_ = ed.log("initialize")[0]["params"]
    equal(start_["capabilities"]["textDocument"]["inlineCompletion"]["dynamicRegistration"], False)
    equal(start_["initializationOptions"]["editorInfo"]["name"], "Neovim")


def test_where_the_cursor_rests_is_told_and_not_while_typing(bench):
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.until(ed.ghost, "ghost text")
    ed.keys("Escape")
    told = len(ed.log("pilotlight/didMoveCursor"))
    ed.keys("k", "j", "k")
    ed.until(lambda: len(ed.log("pilotlight/didMoveCursor")) > told, "the place")
    place = ed.log("pilotlight/didMoveCursor")[-1]["params"]
    equal(place["position"]["line"], 0)
    equal(place["textDocument"]["uri"], ed.log("textDocument/didOpen")[0]["params"]["textDocument"]["uri"])
    # Three keys in a row are one rest; and the typing before them was none.
    time.sleep(0.3)
    equal(len(ed.log("pilotlight/didMoveCursor")), told + 1)


def test_what_is_reported_of_a_buffer_is_told(bench):
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.until(ed.ghost, "ghost text")
    ed.run("_G.ns = vim.api.nvim_create_namespace('t') vim.diagnostic.set(ns, 0, { { lnum = 1, col = 4, message = 'odd', severity = 1 }, { lnum = 0, col = 0, message = 'a hint', severity = 4 } })")
    ed.heard("pilotlight/didChangeDiagnostics")
    told = ed.log("pilotlight/didChangeDiagnostics")[-1]["params"]
    equal([(it["range"]["start"]["line"], it["message"]) for it in told["diagnostics"]], [(1, "odd")])
    equal(told["textDocument"]["uri"], ed.log("textDocument/didOpen")[0]["params"]["textDocument"]["uri"])
    ed.run("vim.diagnostic.reset(ns, 0)")
    ed.heard("pilotlight/didChangeDiagnostics", 2)
    equal(ed.log("pilotlight/didChangeDiagnostics")[-1]["params"]["diagnostics"], [])


def test_what_was_reported_is_told_to_a_new_server(bench):
    ed = start(bench, [])
    ed.run("vim.diagnostic.set(vim.api.nvim_create_namespace('t'), 0, { { lnum = 1, col = 4, message = 'odd', severity = 1 } })")
    ed.heard("pilotlight/didChangeDiagnostics")
    ed.keys("Escape")
    ed.command("Pilotlight restart")
    ed.heard("textDocument/didOpen", 2)
    again = ed.heard("pilotlight/didChangeDiagnostics", 2)[1]
    equal([it["message"] for it in again["diagnostics"]], ["odd"])


def test_multi_line(bench):
    ed = start(bench, [rule("fn add(", BODY)])
    ed.type("fn add(")
    screen = ed.sees("        x + 1")
    if "    fn add( x: u32) -> u32 {\n        x + 1\n    }\n}" not in screen:
        raise Failure(f"the lines are not under each other:\n{screen}")
    ed.keep("ghost")
    ed.keys("Tab")
    ed.until(lambda: ed.lines() == ["fn main() {", "    fn add( x: u32) -> u32 {", "        x + 1", "    }", "}"], "the text in the buffer")
    equal(ed.lua("vim.api.nvim_win_get_cursor(0)"), [4, 5])


def test_undo_is_one_step(bench):
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")
    ed.type(" y")
    ed.keys("Escape", "u")
    ed.until(lambda: ed.line() == "    let x = 42;", "first undo: what was typed after")
    ed.keys("u")
    ed.until(lambda: ed.line() == "    let x", "second undo: the accepted text alone")


LONG = "let x = (42) y; // longer than a line may be"


def test_taken_text_is_repeated(bench):
    ed = start(bench, [rule("let x", LONG[5:]), rule("ab", "cd\n  ef")], files={"main.rs": "a\nb\nc\n"})
    ed.type("let x")
    ed.sees(LONG)
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "b" + LONG, "accepted")
    ed.type("!")
    ed.keys("Escape", "j", ".")
    ed.until(lambda: ed.lines() == ["a", f"b{LONG}!", f"c{LONG}!"], "taken and typed text, again")
    ed.keys("u")
    ed.until(lambda: ed.lines() == ["a", f"b{LONG}!", "c"], "repeated, it is one step")
    ed.keys("u", "u")
    ed.until(lambda: ed.lines()[1] == "blet x", "first what was typed, then what was taken")
    ed.type("ggO")
    ed.type("ab")
    ed.sees("abcd")
    ed.keys("Tab", "Escape", "j", "j", ".")
    ed.until(lambda: ed.lines() == ["abcd", "  ef", "a", "abcd", "  ef", "blet x", "c"], "two lines, again")
    ed.keys("G")
    ed.type("2Aab")
    ed.sees("cabcd")
    ed.keys("Tab", "Escape")
    ed.until(lambda: ed.lines()[-3:] == ["cabcd", "  efabcd", "  ef"], "as often as was asked for")


def test_taken_text_is_not_typed(bench):
    # Neither broken nor expanded nor paired, and no matter of pasting.
    before = """
    vim.cmd.inoreabbrev('y', 'wrong')
    vim.keymap.set('i', '(', '()<Left>')
    vim.api.nvim_create_autocmd('InsertCharPre', { callback = function() vim.v.char = vim.v.char:upper() end })
    vim.paste = function() error('not to be asked') end
    """
    ed = start(bench, [rule("LET X", LONG[5:] + "\n\ta\nb")], files={"main.rs": "a\n    b\n"}, before=before)
    ed.run("vim.bo.textwidth = 20 vim.bo.autoindent = true vim.bo.formatoptions = 'tc'")
    ed.type(" let x")
    ed.sees(LONG[5:])
    ed.keys("Tab")
    ed.until(lambda: ed.lines() == ["a", "    b LET X" + LONG[5:], "\ta", "b"], "as it was shown")
    equal(ed.messages().strip(), "")
    ed.keys("Escape", "u")
    ed.until(lambda: ed.lines() == ["a", "    b LET X"], "undone in one")


def test_by_word(bench):
    ed = start(bench, [rule("let total", " = sum(a, b);")])
    ed.type("let total")
    ed.sees("let total = sum(a, b);")
    ed.script({"rules": [], "keep": True})  # From here the server confirms, each time, what is left.
    pieces = [" =", " sum", "(", "a", ",", " b"]
    for count, piece in enumerate(pieces, 1):
        ed.keys("M-w")
        typed = "".join(pieces[:count])
        ed.until(lambda: ed.marked() == f"    let total{typed}{CURSOR_MARK}", f"the word {piece!r} in the buffer")
        ed.answered(count + 1)
        equal(ed.heard("textDocument/didPartiallyAcceptCompletion", count)[-1]["acceptedLength"], len(piece))
        if "let total = sum(a, b);" not in ed.screen():
            raise Failure("the rest is no longer shown")
    ed.keep("in-parts")
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "    let total = sum(a, b);", "the last word")
    equal(ed.heard("workspace/executeCommand")[0]["arguments"], [1])
    equal(len(ed.log("textDocument/didPartiallyAcceptCompletion")), len(pieces))


def test_by_word_without_a_new_answer(bench):
    ed = start(bench, [rule("let total", " = sum;"), rule("let total =", " other", delay=3000)])
    ed.type("let total")
    ed.sees("let total = sum;")
    ed.keys("M-w", "M-w", "M-w")
    ed.until(lambda: ed.line() == "    let total = sum;", "three words from one answer")
    ed.heard("workspace/executeCommand")
    equal([p["acceptedLength"] for p in ed.heard("textDocument/didPartiallyAcceptCompletion", 2)], [2, 6])


def test_by_line(bench):
    ed = start(bench, [rule("fn add(", BODY)], script={"keep": True})
    ed.type("fn add(")
    ed.sees("        x + 1")
    ed.keys("M-l")
    ed.until(lambda: ed.lines()[1] == "    fn add( x: u32) -> u32 {", "the first line")
    ed.sees("        x + 1")
    ed.script({"rules": [rule("-> u32 {", BODY[17:])]})
    ed.keys("M-l")
    ed.until(lambda: ed.lines()[1:3] == ["    fn add( x: u32) -> u32 {", "        x + 1"], "the second line")
    equal(ed.lua("vim.api.nvim_win_get_cursor(0)"), [3, 13])


def test_units_of_partial_accept(bench):
    # UTF-16: each of the four characters of the bicycle emoji's pair counts two, CJK one, and CRLF two.
    ed = start(bench, [rule("//", " 日本🚲🚲 é x"), rule("// 日本🚲🚲", " é x", delay=4000)])
    ed.type("//")
    ed.sees("日本🚲🚲 é x")
    ed.keep("wide")
    ed.keys("M-w")
    ed.until(lambda: ed.marked() == f"    // 日本🚲🚲{CURSOR_MARK}", "the wide word")
    equal(ed.heard("textDocument/didPartiallyAcceptCompletion")[0]["acceptedLength"], 1 + 2 + 4)
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "    // 日本🚲🚲 é", "the second word")
    equal(ed.heard("textDocument/didPartiallyAcceptCompletion", 2)[1]["acceptedLength"], 1 + 2 + 4 + 2)


def test_crlf(bench):
    ed = start(bench, [rule("if x {", "\r\n        y();\r\n    }")], files={"main.rs": MAIN.replace("\n", "\r\n")})
    equal(ed.lua("vim.bo.fileformat"), "dos")
    ed.type("if x {")
    screen = ed.sees("        y();")
    if "^M" in screen:
        raise Failure("a carriage return is on the screen")
    ed.script({"rules": []})
    ed.keys("M-l")
    ed.until(lambda: ed.lines()[1:3] == ["    if x {", "        y();"], "the first line")
    equal(ed.heard("textDocument/didPartiallyAcceptCompletion")[0]["acceptedLength"], len("\r\n        y();"))
    ed.keys("Escape")
    ed.command("w")
    ed.until(lambda: not ed.lua("vim.bo.modified"), "written")  # Not read before: a read that meets the write has some of both texts.
    equal((ed.folder / "work/main.rs").read_bytes(), b"fn main() {\r\n    if x {\r\n        y();\r\n}\r\n")


FRAMES = """
_G.frames = {}
local provider = vim.api.nvim_create_namespace('frames')
vim.api.nvim_set_decoration_provider(provider, {
  on_win = function(_, _, buf)
    local row, col = unpack(vim.api.nvim_win_get_cursor(0))
    local line = vim.api.nvim_buf_get_lines(buf, row - 1, row, false)[1]
    local mark = vim.api.nvim_buf_get_extmarks(buf, vim.api.nvim_create_namespace('pilotlight'), 0, -1, { details = true })[1]
    local ghost = mark and mark[4].virt_text[1][1] or ''
    local at = mark and mark[3] or col
    frames[#frames + 1] = line:sub(1, at) .. ghost .. line:sub(at + 1)
  end,
})
"""


def test_typing_what_it_says_does_not_flicker(bench):
    # From the first letter on the server is slow, so what is seen is what the editor keeps by itself. Each redraw is recorded by the editor.
    ed = start(bench, [rule("let x", " = value;"), rule("", " never", delay=5000)], before=FRAMES)
    ed.type("let x")
    ed.sees("let x = value;")
    ed.run("_G.frames = {}")
    ed.type(" = val", pause=0.06)
    ed.until(lambda: ed.line() == "    let x = val", "typed")
    frames = ed.lua("frames")
    if len(frames) < 6:
        raise Failure(f"only {len(frames)} redraws were recorded")
    equal(set(frames), {"    let x = value;"})
    equal(ed.ghost(), "ue;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = value;", "accepted, nothing doubled")
    equal(ed.heard("workspace/executeCommand")[0]["arguments"], [1])


def test_typing_over_a_line_break(bench):
    ed = start(bench, [rule("if x {", "\n        y();\n    }"), rule("", " never", delay=5000)])
    ed.type("if x {")
    ed.sees("        y();")
    ed.keys("Enter")
    ed.until(lambda: ed.marked() == f"        {CURSOR_MARK}", "a new line, indented")
    equal(ed.ghost(), "y();\n    }")
    ed.keys("Tab")
    ed.until(lambda: ed.lines() == ["fn main() {", "    if x {", "        y();", "    }", "}"], "accepted, nothing doubled")


def test_typing_something_else(bench):
    ed = start(bench, [rule("let x", " = 42;"), rule("", " never", delay=5000)])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.type("y")
    ed.until(lambda: ed.line() == "    let xy", "typed")
    equal(ed.ghost(), None)
    ed.sees_not("= 42;")


def test_backspace(bench):
    ed = start(bench, [rule("let x", " = 42;"), rule("let", " y = 1;", delay=200)])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("BSpace")
    ed.until(lambda: ed.line() == "    let ", "one left")
    equal(ed.ghost(), None)
    ed.keys("BSpace")
    ed.sees("let y = 1;")


def test_superseded_requests_are_cancelled(bench):
    ed = start(bench, [rule("let x", " = 42;", delay=4000)])
    ed.type("let x")
    first = ed.until(lambda: [m for m in ed.log("textDocument/inlineCompletion") if m["params"]["position"]["character"] == 9], "the first request")[0]
    ed.type("y")
    ed.until(lambda: first["id"] in [m["params"]["id"] for m in ed.log("$/cancelRequest")], "its cancellation")


def test_stale_answers_are_dropped(bench):
    # This server answers in spite of the cancellation, when the cursor is elsewhere.
    ed = start(bench, [rule("let x", " = 42;", delay=500, deaf=True)])
    ed.type("let x")
    ed.heard("textDocument/inlineCompletion")
    asked = len(ed.log("textDocument/inlineCompletion"))
    ed.keys("Up")
    ed.answered(asked)
    time.sleep(0.6)
    equal(ed.ghost(), None)
    if "42" in ed.screen():
        raise Failure("a stale answer is on the screen")
    ed.keys("Tab")
    ed.until(lambda: ed.lines()[0] != "fn main() {", "the key itself")
    if "42" in "".join(ed.lines()):
        raise Failure("a stale answer was accepted")


def test_an_old_answer_does_not_replace_a_new_one(bench):
    ed = start(bench, [rule("let x", " = old;", delay=700, deaf=True)])
    ed.type("let x")
    ed.until(lambda: ed.log("textDocument/inlineCompletion")[-1]["params"]["position"]["character"] == 9, "asked")
    ed.script({"rules": [rule("let x", " = new;")]})
    ed.type("y")
    ed.keys("BSpace")
    ed.sees("let x = new;")
    ed.until(lambda: "old" in str(ed.log(sender="server")), "the old answer")
    time.sleep(0.1)
    equal(ed.ghost(), " = new;")


def test_deleting_what_follows(bench):
    ed = start(bench, [rule("foo(", "a, b"), rule("", " never", delay=5000)], files={"main.rs": "fn main() {\n    foo(c)\n}\n"})
    ed.keys("Left", "Left")
    ed.type("x")
    ed.keys("BSpace")
    ed.sees("    foo(a, bc)")
    ed.script({"rules": [rule("", " never", delay=5000)]})
    ed.keys("DC")
    ed.until(lambda: ed.line() == "    foo()", "deleted")
    equal(ed.ghost(), None)


def test_leaving_insert_mode(bench):
    ed = start(bench, [rule("let x", " = 42;"), rule("let y", " = 1;", delay=300, deaf=True)])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Escape")
    ed.sees_not("= 42;")
    ed.keys("o")
    ed.type("let y")
    ed.until(lambda: ed.log("textDocument/inlineCompletion")[-1]["params"]["position"]["line"] == 2, "asked")
    ed.keys("Escape")
    time.sleep(0.5)
    equal(ed.ghost(), None)
    equal([line.strip() for line in ed.lines()[1:3]], ["let x", "let y"])


def test_leaving_insert_mode_by_control_c(bench):
    # No InsertLeave comes of it.
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("C-c")
    ed.until(lambda: ed.lua("vim.api.nvim_get_mode().mode") == "n", "normal mode")
    ed.sees_not("= 42;")
    equal(ed.ghost(), None)


def test_leaving_insert_mode_for_replace_mode(bench):
    # Nor of this.
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("IC")
    ed.until(lambda: ed.lua("vim.api.nvim_get_mode().mode") == "R", "replace mode")
    ed.sees_not("= 42;")
    equal(ed.ghost(), None)


def test_a_command_out_of_insert_mode_keeps_it(bench):
    ed = start(bench, [rule("let x", " = 42;")])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("C-o", "z", "z")
    ed.until(lambda: ed.lua("vim.api.nvim_get_mode().mode") == "i", "insert mode")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")


def test_an_empty_answer_takes_it_away(bench):
    ed = start(bench, [rule("let x", " = 42;")])  # Nothing for "let x ".
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.type(" ")
    ed.until(lambda: ed.ghost() is None, "the server said that there is nothing")


def test_candidates(bench):
    ed = start(bench, [rule("let x", " = 1;", " = 2;", " = 3;")])
    ed.type("let x")
    ed.sees("let x = 1;")
    ed.keys("M-n")
    ed.sees("let x = 2; (2/3)")
    ed.keep("second-of-three")
    ed.keys("M-p", "M-p")
    ed.sees("let x = 3; (3/3)")
    ed.keys("M-n", "M-n")
    ed.sees("let x = 2; (2/3)")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 2;", "the second")
    equal(ed.heard("workspace/executeCommand")[0]["arguments"], [2])


def test_a_candidate_that_fits_what_is_typed(bench):
    ed = start(bench, [rule("let x", " = 1;", ": u8 = 2;"), rule("", " never", delay=5000)])
    ed.type("let x")
    ed.sees("let x = 1;")
    ed.type(": u")
    ed.sees("let x: u8 = 2;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x: u8 = 2;", "the second")


def test_dismiss(bench):
    ed = start(bench, [rule("let x", " = 42;"), rule("let xy", " = 43;")])
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("C-]")
    ed.sees_not("= 42;")
    equal(ed.heard("workspace/executeCommand"), [{"command": "pilotlight.dismiss", "arguments": [1]}])
    time.sleep(0.2)
    equal(ed.ghost(), None)
    equal(ed.lua("vim.api.nvim_get_mode().mode"), "i")
    ed.type("y")
    ed.sees("let xy = 43;")


def test_asked_by_a_key(bench):
    ed = start(bench, [rule("let x", " = 42;")], setup="{ ghost = { auto = false } }")
    ed.type("let x")
    time.sleep(0.3)
    equal(ed.log("textDocument/inlineCompletion"), [])
    ed.keys("M-\\")
    ed.sees("let x = 42;")
    equal(ed.log("textDocument/inlineCompletion")[0]["params"]["context"], {"triggerKind": 1})


def test_range_over_a_closing_bracket(bench):
    ed = start(bench, [rule("foo(", {"text": "a, b)", "ahead": 1}), rule("", " never", delay=5000)], files={"main.rs": "fn main() {\n    foo()\n}\n"})
    ed.keys("Left")
    ed.type("x")
    ed.keys("BSpace")
    ed.sees("    foo(a, b)")
    if "b))" in ed.screen():
        raise Failure("the bracket is shown twice")
    ed.keep("ghost")
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "    foo(a)", "one word")
    ed.sees("    foo(a, b)")
    ed.keys("Tab")
    ed.until(lambda: ed.marked() == f"    foo(a, b){CURSOR_MARK}", "accepted, one bracket")


def test_lines_before_what_follows(bench):
    ed = start(bench, [rule("foo(", "\n        a,\n    ")], files={"main.rs": "fn main() {\n    foo()\n}\n"})
    ed.keys("Left")
    ed.type("x")
    ed.keys("BSpace")
    screen = ed.sees("        a,")
    if "    foo(\n        a,\n    )\n}" not in screen:
        raise Failure("it does not look as it will be")
    ed.keep("ghost")
    ed.keys("Tab")
    ed.until(lambda: ed.lines() == ["fn main() {", "    foo(", "        a,", "    )", "}"], "accepted")


def test_range_from_before_the_cursor(bench):
    ed = start(bench, [rule("let x", {"text": "let x = 42;", "back": 5})])
    ed.type("let x")
    ed.sees("    let x = 42;")
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "    let x =", "one word")
    equal(ed.heard("textDocument/didPartiallyAcceptCompletion")[0]["acceptedLength"], 7)


def test_tabs_are_spelled_out(bench):
    ed = start(bench, [rule("if x {", "\tz\n\t\ty()\t// z\n\t}")], files={"main.go": "func main() {\n\t\n}\n"}, before="vim.o.tabstop = 4")
    ed.type("if x {")
    screen = ed.sees("y() // z")
    if "    if x {  z\n        y() // z\n    }" not in screen:
        raise Failure(f"tabs are not as wide as in the buffer:\n{screen}")
    ed.keys("Tab")
    ed.until(lambda: ed.lines()[1:4] == ["\tif x {\tz", "\t\ty()\t// z", "\t}"], "tabs in the buffer")


def test_other_position_encodings(bench):
    for count, encoding in enumerate(["utf-8", "utf-32"]):
        ed = bench.open({"main.rs": MAIN}, script={"encoding": encoding, "rules": [rule("🚲é", {"text": "é = 1;", "back": 2 if encoding == "utf-8" else 1})]})
        ed.heard("textDocument/didOpen")
        ed.keys("j", "A")
        ed.type("🚲é")
        ed.sees("🚲é = 1;")
        ed.keys("Tab")
        ed.until(lambda: ed.line() == "    🚲é = 1;", f"accepted in {encoding}")


def test_answers_of_any_shape(bench):
    broken = [
        {"text": 3}, {"text": "", "id": 2},
        {"text": "snippet", "more": {"insertText": {"kind": "snippet", "value": "$1"}}},
        {"text": "elsewhere", "more": {"range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}}}},
        {"text": "replaces what was typed", "back": 3},
        {"text": "no range", "more": {"range": "none"}},
        {"text": " = far;", "more": {"range": {"start": {"line": 1, "character": 9}, "end": {"line": 1, "character": 999}}}},
    ]
    ed = start(bench, [rule("let x", *broken), rule("let y", " = 1;", error={"code": -32603, "message": "out of candles"})])
    ed.type("let x")
    ed.sees("let xno range")  # A range that is none counts as absent; the last is clamped.
    ed.keys("M-n")
    ed.sees("let x = far; (2/2)")
    ed.keys("BSpace")
    ed.type("y")
    ed.until(lambda: "out of candles" in str(ed.log(sender="server")[-1]), "an error")
    time.sleep(0.1)
    equal(ed.ghost(), None)
    equal(ed.messages().strip(), "")
    ed.keys("Escape")
    ed.command("Pilotlight why")
    ed.sees("out of candles")


def test_beside_the_popup_menu(bench):
    # Neovim's own menu stands for nvim-cmp's and blink's: while it is open the accept key is the menu's.
    ed = start(bench, [rule("let x", " = 42;")], before="vim.keymap.set('i', '<Tab>', function() return vim.fn.pumvisible() == 1 and '<C-n>' or '<Tab>' end, { expr = true })")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.run("vim.o.completeopt = 'menuone,noinsert,noselect' vim.fn.complete(9, { 'xylophone', 'xenon' })")
    ed.sees("xylophone")
    ed.keep("menu")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let xylophone", "the menu's key")
    ed.keys("C-e")
    ed.until(lambda: ed.line() == "    let x", "the menu is gone")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "our key")


def test_neovims_own_renderer_does_not_draw_too(bench):
    ed = start(bench, [rule("let x", " = 42;")], before="vim.lsp.inline_completion.enable()")
    ed.type("let x")
    ed.sees("let x = 42;")
    asked = len(ed.log("textDocument/inlineCompletion"))
    time.sleep(0.5)  # Neovim asks after 200 ms.
    equal(len(ed.log("textDocument/inlineCompletion")), asked)
    equal(ed.lua("#vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_create_namespace('nvim.lsp.inline_completion'), 0, -1, {})"), 0)
    if "42; = 42;" in ed.screen():
        raise Failure("drawn twice")


test_neovims_own_renderer_does_not_draw_too.editors = ("0.12",)
