"""Options, keys, :Pilotlight, :checkhealth and the help file."""

import re
import time

from editor import PLUGIN, Failure
from ghost_test import MAIN, equal, rule, start

RULES = [rule("let x", " = 42;")]


def test_options_are_checked(bench):
    ed = bench.open({"main.rs": MAIN}, setup="nil")
    ed.run("_G.try = function(o) local ok, e = pcall(require('pilotlight').setup, o) return ok and 'accepted' or e end")
    for options, message in [
        ("{ ghots = {} }", "pilotlight setup: ghots: no such option; there are cmd, enabled, filetypes, ghost, init_options, keys, next_edit, root_markers, signs"),
        ("{ ghost = { debounce = 3 } }", "pilotlight setup: ghost.debounce: no such option; ghost has auto, debounce_ms, native"),
        ("{ ghost = { debounce_ms = 'soon' } }", "pilotlight setup: ghost.debounce_ms: expected milliseconds, 0 to 5000, got soon"),
        ("{ ghost = { debounce_ms = -1 } }", "pilotlight setup: ghost.debounce_ms: expected milliseconds, 0 to 5000, got -1"),
        ("{ ghost = true }", "pilotlight setup: ghost: expected table, got boolean"),
        ("{ enabled = 1 }", "pilotlight setup: enabled: expected boolean, got number"),
        ("{ cmd = 3 }", "pilotlight setup: cmd: expected the binary's path, or a command as a list of strings, got 3"),
        ("{ cmd = {} }", "pilotlight setup: cmd: expected the binary's path, or a command as a list of strings"),
        ("{ keys = { accept = true } }", "pilotlight setup: keys.accept: expected a key, or false, got true"),
        ("{ keys = { acept = '<Tab>' } }", "pilotlight setup: keys.acept: no such option; keys has accept, accept_line"),
        ("{ filetypes = { 'rust' } }", "pilotlight setup: filetypes: expected a table of file type = true or false"),
        ("'yes'", "pilotlight setup: the argument: expected table, got string"),
    ]:
        found = ed.lua(f"try({options})")
        if not found.startswith(message):
            raise Failure(f"{options}\n  expected {message!r}\n  found    {found!r}")
    equal(ed.run("return vim.fn.exists(':Pilotlight')"), 2)
    ed.command("Pilotlight status")
    ed.sees("not set up: call require('pilotlight').setup() first")


def test_tab_is_still_tab(bench):
    ed = start(bench, [])
    ed.type("x")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    x   ", "indentation")
    ed.keys("M-w", "M-l", "M-n", "M-p", "C-]")
    ed.type("y")
    ed.until(lambda: ed.line() == "    x   y", "keys without ghost text do nothing, and insert mode stays")


def test_mappings_of_others_are_kept(bench):
    ed = start(bench, RULES, before="vim.keymap.set('i', '<Tab>', function() vim.schedule(function() vim.g.theirs = 1 end) return 'T' end, { expr = true })\n"
                                    "vim.cmd('inoremap <M-w> W') vim.keymap.set('i', '<M-l>', function() vim.g.lua = 1 end)")
    ed.keys("Tab", "M-w", "M-l")
    ed.until(lambda: ed.line() == "    TW", "their mappings")
    equal([ed.lua("vim.g.theirs"), ed.lua("vim.g.lua")], [1, 1])
    ed.type(" let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    TW let x = 42;", "ours, when there is ghost text")


# As LuaSnip's README maps it.
LUASNIP = "vim.cmd([[imap <silent><expr> <Tab> get(g:, 'jumpable', 0) ? '<Plug>(jump)' : '<Tab>']]) vim.cmd('inoremap <Plug>(jump) JUMP')"


def test_a_recursive_mapping_of_another(bench):
    ed = start(bench, RULES, before=LUASNIP)
    ed.type("x")
    ed.keys("Tab", "Tab")
    ed.until(lambda: ed.line() == "    x       ", "Tab indents")
    ed.run("vim.g.jumpable = 1")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    x       JUMP", "their mapping")
    ed.type(" let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line().endswith("let x = 42;"), "ours, when there is ghost text")
    equal(ed.messages().strip(), "")


# As nvim-cmp maps a key: globally, and what was there before is its fallback.
CMP = """
local before = vim.fn.maparg('<Tab>', 'i', false, true)
vim.keymap.set('i', '<Tab>', function()
  vim.g.cmp = vim.g.cmp + 1
  vim.keymap.set('i', '<Plug>(cmp.u.k.fallback_expr:<Tab>)', before.callback, { expr = true, remap = true, replace_keycodes = true })
  vim.api.nvim_feedkeys(vim.keycode('<Plug>(cmp.u.k.fallback_expr:<Tab>)'), 'im', true)
end, { desc = 'cmp.utils.keymap.set_map' })
"""


def test_setup_again_over_a_mapping_that_falls_back_to_ours(bench):
    ed = start(bench, RULES, before="vim.g.cmp = 0", after=f"{CMP} require('pilotlight').setup({{ cmd = options.cmd or require('pilotlight.config').options.cmd }})")
    ed.type("x")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    x   ", "Tab indents")
    equal(ed.lua("vim.g.cmp"), 1)
    ed.type(" let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line().endswith("let x = 42;"), "accepted")


def test_setup_again_after_a_key_was_mapped_anew(bench):
    # As when init.lua is sourced again.
    ed = start(bench, RULES)
    ed.run("vim.keymap.set('i', '<Tab>', 'T') require('pilotlight').setup({ cmd = require('pilotlight.config').options.cmd })")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    T", "their mapping")
    ed.type(" let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    T let x = 42;", "ours, when there is ghost text")


def test_setup_again_with_other_keys(bench):
    ed = start(bench, RULES, before="vim.keymap.set('i', '<M-w>', 'W')")
    ed.run("require('pilotlight').setup({ cmd = require('pilotlight.config').options.cmd, keys = { accept = '<C-y>', accept_word = false, next = '<M-l>', accept_line = false } })")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("M-w")
    ed.until(lambda: ed.line() == "    let xW", "what the key did before")
    ed.keys("BSpace")
    ed.sees("let x = 42;")
    ed.keys("C-y")
    ed.until(lambda: ed.line() == "    let x = 42;", "the new key")
    described = "(vim.fn.maparg('%s', 'i', false, true).desc or ''):match('^Pilotlight.*') or ''"
    equal([ed.lua(described % key) for key in ("<Tab>", "<M-l>", "<C-y>")], ["", "Pilotlight: next", "Pilotlight: accept"])


def test_two_actions_on_one_key_are_wrapped_once_and_given_back(bench):
    ed = start(bench, RULES, setup="{ next_edit = { accept = '<Tab>' } }", before="vim.keymap.set('i', '<Tab>', 'T')")
    kept = "#vim.tbl_filter(function(it) return it.lhs:find('pilotlight%-without') ~= nil end, vim.api.nvim_get_keymap('i'))"
    before = ed.lua(kept)
    again = "require('pilotlight').setup({ cmd = require('pilotlight.config').options.cmd, "
    ed.run(again + "next_edit = { accept = '<Tab>' } })")
    equal(ed.lua(kept), before)
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")
    ed.run(again + "keys = false, next_edit = { accept = false } })")
    equal(ed.lua("vim.fn.maparg('<Tab>', 'i')"), "T")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;T", "what the key did before")


def test_one_of_two_actions_on_a_key_is_given_back_in_any_order(bench):
    ed = start(bench, RULES, setup="{ next_edit = { accept = '<Tab>' } }", before="vim.keymap.set('i', '<Tab>', 'T')")
    described = "(vim.fn.maparg('<Tab>', 'i', false, true).desc or ''):match('^Pilotlight.*') or ''"
    again = "require('pilotlight').setup({ cmd = require('pilotlight.config').options.cmd, "
    said = [ed.lua(described)]
    for options in ("next_edit = { accept = false } })", "keys = false, next_edit = { accept = false } })", "keys = false, next_edit = { accept = '<tab>' } })"):
        ed.run(again + options)
        said.append(ed.lua(described))
    equal(said, ["Pilotlight: accept", "Pilotlight: accept", "", "Pilotlight: next edit"])
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    T", "what the key did before")
    ed.run("require('pilotlight.next_edit').visible = function() return true end vim.keymap.set('i', '<Plug>(pilotlight-next-edit)', 'N')")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    TN", "ours, when there is a next edit")


def test_what_was_mapped_over_ours_is_ours_no_more_once_it_is_given_back(bench):
    ed = start(bench, RULES, before="vim.g.cmp = 0", after=f"{CMP} require('pilotlight').setup({{ cmd = options.cmd or require('pilotlight.config').options.cmd }})")
    ed.run("require('pilotlight').setup({ cmd = require('pilotlight.config').options.cmd, keys = false })")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x   ", "Tab indents")
    equal(ed.lua("vim.g.cmp"), 1)


def test_setup_in_a_buffer_with_a_mapping_of_its_own(bench):
    ed = bench.open({"main.rs": MAIN, "other.rs": MAIN}, setup="nil", script={"rules": RULES})
    ed.run(f"vim.keymap.set('i', '<Tab>', 'own', {{ buffer = 0 }}) vim.cmd('imap <Tab> everywhere') require('pilotlight').setup({{ cmd = {ed.server} }})")
    ed.command("edit other.rs")
    ed.heard("textDocument/didOpen", 2)
    ed.keys("j", "A", "Tab")
    ed.until(lambda: ed.line() == "    everywhere", "the mapping that is not the buffer's")
    ed.type(" let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    everywhere let x = 42;", "ours, when there is ghost text")


def test_a_snippet_comes_first(bench):
    ed = start(bench, RULES)
    ed.run("vim.snippet.expand('let x$1 // $2')")
    ed.sees("let x = 42; //")
    ed.keys("Tab")
    ed.type("z")
    ed.until(lambda: ed.line() == "    let x // z", "the next field")


def test_keys_of_ones_own(bench):
    ed = start(bench, RULES, setup="{ keys = { accept = '<C-y>', next = false } }")
    ed.type("let x")
    ed.sees("let x = 42;")
    equal(ed.lua("vim.fn.maparg('<M-n>', 'i')"), "")
    ed.keys("C-y")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")


def test_no_keys(bench):
    ed = start(bench, RULES, setup="{ keys = false }", before="vim.keymap.set('i', '<C-g><C-a>', '<Plug>(pilotlight-accept)')")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("C-g", "C-a")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted by a <Plug> mapping")


def test_on_the_runtimepath_late(bench):
    ed = bench.open({"main.rs": MAIN}, setup="nil", before="vim.opt.runtimepath:remove(vim.opt.runtimepath:get()[1])", script={"rules": RULES})
    equal(ed.run("return vim.fn.exists(':Pilotlight')"), 0)
    ed.run(f"vim.opt.runtimepath:append('{ed.inside}/plugin') require('pilotlight').setup({{ cmd = {ed.server} }})")
    ed.heard("textDocument/didOpen")
    equal(ed.run("return vim.fn.exists(':Pilotlight')"), 2)
    ed.keys("j", "A")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted")


def test_setup_twice(bench):
    ed = start(bench, RULES, after="require('pilotlight').setup(vim.tbl_extend('force', require('pilotlight.config').options, {}))")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Tab")
    ed.until(lambda: ed.line() == "    let x = 42;", "accepted once")
    ed.keys("Tab")
    ed.until(lambda: ed.line().startswith("    let x = 42; "), "Tab is Tab")
    equal(len(ed.log("initialize")), 1)


EXPLANATION = {
    "nothing_because": "it would repeat what follows", "kept": False, "segments": [{"source": "suffix", "tokens": 40}, {"source": "prefix", "tokens": 3}],
    "recalled": {"path": "src/like.rs", "line": 6, "sureness": 0.724}, "reused": 41, "prefilled": 2, "decoded": 5, "millis": {"total": 25.5, "decode": 20.0},
}


def test_command(bench):
    ed = start(bench, RULES, script={"status": {"kind": "Normal", "busy": False, "message": "ember"}, "explain": EXPLANATION})
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Escape")
    ed.command("Pilotlight")
    ed.sees("pilotlight: ember (normal); this buffer: on")
    ed.keep("status")
    ed.command("Pilotlight why")
    ed.sees("Last asked at main.rs:2:10: 1 suggestion(s) after")
    ed.sees("Nothing is shown because it would repeat what follows")
    ed.sees("Recalled: a line from a place like this one, src/like.rs:7 (72 % sure)")
    ed.sees("40 tokens  suffix")
    ed.sees("Tokens: 41 reused, 2 prefilled, 5 decoded")
    ed.sees("Milliseconds: decode 20.0, total 25.5")
    ed.keep("why")
    ed.keys("q")
    ed.command("Pilotlight log")
    ed.sees("lsp.log")
    ed.sees("the fake server is ready")
    ed.keys("q")
    ed.command("Pilotlight burn")
    ed.sees("no `:Pilotlight burn`; there are accept, dismiss")
    ed.keys("Enter")
    ed.command("Pilotlight toggle world")
    ed.sees(":Pilotlight toggle takes global, buffer, filetype, not world")
    complete = lambda line: ed.lua(f"vim.fn.getcompletion('{line}', 'cmdline')")
    equal(complete("Pilotlight "), ["accept", "dismiss", "dismiss-edit", "health", "log", "next", "next-edit", "previous", "restart", "start", "status", "stop", "suggest", "toggle", "why"])
    equal(complete("Pilotlight re"), ["restart"])
    equal(complete("Pilotlight toggle "), ["global", "buffer", "filetype"])
    equal(complete("Pilotlight accept w"), ["word"])
    equal(complete("Pilotlight status "), [])


def test_accept_by_command(bench):
    ed = start(bench, RULES, script={"keep": True})
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.run("vim.cmd('Pilotlight accept word')")
    ed.until(lambda: ed.line() == "    let x =", "one word")
    ed.run("vim.cmd('Pilotlight accept')")
    ed.until(lambda: ed.line() == "    let x = 42;", "the rest")


def health(ed):
    ed.keys("Escape")
    ed.command("checkhealth pilotlight")
    ed.until(lambda: "pilotlight" in "".join(ed.lines()[:3]), "the report")
    time.sleep(0.2)
    return "\n".join(ed.lines())


def test_checkhealth(bench):
    ed = start(bench, RULES, script={"status": {"kind": "Normal", "busy": False, "message": "ember"}},
               after="vim.keymap.set('i', '<M-n>', 'N', { desc = 'somebody else' })")
    report = health(ed)
    ed.keep("report")
    for pattern in [
        r"OK Neovim 0\.1[12]\.", r"OK binary: .*fake_server.lua .* \(from setup\{cmd\}\)", r"OK running: fake 0, id \d+, positions in utf-16",
        r"OK it offers inline completion", r"OK model and state: ember", r"OK main.rs: attached", r"OK <Tab>: accept",
        r"WARNING <M-n>: next, but it was mapped to something else after setup\(\): somebody else",
    ]:
        if not re.search(pattern, report):
            raise Failure(f"no line like {pattern!r} in\n{report}")
    if "ERROR" in report:
        raise Failure(report)


def test_checkhealth_of_a_mapping_that_falls_back(bench):
    ed = start(bench, RULES, before="vim.g.cmp = 0", after=CMP)
    report = health(ed)
    if "<Tab>: nvim-cmp's mapping comes first" not in report or "WARNING" in report:
        raise Failure(report)


def test_why_after_the_buffer_is_gone(bench):
    ed = bench.open({"main.rs": MAIN, "other.rs": MAIN}, script={"rules": RULES})
    ed.heard("textDocument/didOpen")
    ed.keys("j", "A")
    ed.type("let x")
    ed.sees("let x = 42;")
    ed.keys("Escape")
    ed.command("edit! other.rs")
    ed.command("bwipeout! 1")
    ed.command("Pilotlight why")
    ed.sees("Last asked at a buffer that is gone:2:10: 1 suggestion(s) after")


def test_checkhealth_without_setup(bench):
    ed = bench.open({"main.rs": MAIN}, setup="nil")
    if "ERROR not set up" not in health(ed):
        raise Failure("nothing is said of setup()")


def test_help(bench):
    ed = bench.open({"main.rs": MAIN}, setup="nil")
    ed.run(f"vim.cmd.helptags('{ed.inside}/plugin/doc')")
    text = (PLUGIN / "doc/pilotlight.txt").read_text()
    wanted = {"pilotlight", "pilotlight-options", ":Pilotlight", "pilotlight-statusline", "pilotlight-keys"}
    wanted |= {f"pilotlight-option-{name}" for name in ed.run("return vim.list_extend(vim.tbl_keys(require('pilotlight.config').defaults), { 'cmd' })")}
    wanted |= {f"<Plug>(pilotlight-{m})" for m in re.findall(r"\['?([a-z-]+)'?\] = '", (PLUGIN / "plugin/pilotlight.lua").read_text())}
    wanted |= {f":Pilotlight-{name}" for name in ed.lua("vim.fn.getcompletion('Pilotlight ', 'cmdline')")}
    tags = set(re.findall(r"\*([^*\s]+)\*", text))
    if missing := wanted - tags:
        raise Failure(f"no help for {sorted(missing)}")
    for group in ("ghost", "keys", "next_edit", "signs"):
        for name in ed.lua(f"vim.tbl_keys(require('pilotlight.config').defaults.{group})"):
            if not re.search(rf"^\s+{name}\b", text, re.M):
                raise Failure(f"no help for {group}.{name}")
    if long := [line for line in text.splitlines() if len(line) > 79]:
        raise Failure(f"lines too long for a help window: {long}")
    ed.command("help pilotlight-options")
    ed.sees("OPTIONS")
