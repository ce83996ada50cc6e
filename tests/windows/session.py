"""pilotlight.exe under Wine: its commands on a small project, and an editor's session as VS Code has one on Windows.

usage: session.py PILOTLIGHT_EXE
"""

import json
import queue
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

EXE = sys.argv[1]
SHOP = "def total_price(cart, each):\r\n    return sum(cart) * each\r\n"
APP = "from shop import total_price\n\nprint(total_price([1], 2))\n"
passed = failed = 0


def check(what, true, found):
    global passed, failed
    passed, failed = passed + bool(true), failed + (not true)
    print(f"ok    {what}" if true else f"FAIL  {what}: {found}", flush=True)


def project(folder):
    (folder / "src").mkdir(parents=True)
    for name, text in {".gitignore": "ignored.py\n", "src/ignored.py": "x = 1\n", "src/shop.py": SHOP, "src/app.py": APP}.items():
        (folder / name).write_bytes(text.encode())
    (folder / ".git").mkdir()


def run(folder, *arguments):
    done = subprocess.run(["wine", EXE, *arguments], cwd=folder, capture_output=True, timeout=300)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def commands(folder):
    status, out, _ = run(folder, "doctor")
    check("doctor", status == 0 and "All is well." in out, out)
    status, out, _ = run(folder, "try", "--json", "--keystrokes", "60")
    check("try shows ghost text", status == 0 and json.loads(out)["summary"]["shown"] > 0, out[:500])
    status, out, _ = run(folder, "index", ".")
    check("index", "2 files" in out and "\\\\?\\" not in out, out)
    status, out, error = run(folder, "complete", "src\\ignored.py:1:4")
    check("an ignored file", "excludes it" in out + error, out + error)
    status, out, error = run(folder, "refactor", "rename", "src\\shop.py:1:5", "sum_price", "--write")
    check("rename", status == 0 and "a/src/app.py" in out and "print(sum_price(" in (folder / "src/app.py").read_text(), out + error)
    check("the file's line ends stay", (folder / "src/shop.py").read_bytes() == SHOP.replace("total_price", "sum_price").encode(), out)
    status, out, error = run(folder, "status")
    check("status says that there is no daemon", status != 0 and "no resident daemon on this system" in error, error)


class Editor:
    def __init__(self):
        self.server = subprocess.Popen(["wine", EXE, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.heard, self.last = queue.Queue(), 0
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        while line := self.server.stdout.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while self.server.stdout.readline().strip():
                    pass
                self.heard.put(json.loads(self.server.stdout.read(length)))

    def say(self, **message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.server.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.server.stdin.flush()

    def until(self, wanted):
        while not wanted(message := self.heard.get(timeout=60)):
            if "method" in message and "id" in message:
                self.say(id=message["id"], result=None)
        return message

    def ask(self, method, params=None):
        self.last += 1
        number = self.last
        self.say(id=number, method=method, params=params)
        return self.until(lambda message: message.get("id") == number and "method" not in message).get("result")


def session(folder):
    # As VS Code writes them.
    root = f"file:///z%3A{folder}"
    editor = Editor()
    edits = {"documentChanges": True, "changeAnnotationSupport": {}}
    actions = {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}}, "resolveSupport": {"properties": ["edit"]}, "dataSupport": True}
    capabilities = {"workspace": {"workspaceEdit": edits}, "textDocument": {"inlineCompletion": {}, "codeAction": actions}}
    editor.ask("initialize", {"processId": None, "workspaceFolders": [{"uri": root, "name": "project"}], "capabilities": capabilities})
    editor.say(method="initialized", params={})
    editor.until(lambda message: message.get("method") == "didChangeStatus" and message["params"]["message"] == "ember")

    def opened(name, language, text):
        document = {"uri": f"{root}/{name}", "languageId": language, "version": 1, "text": text}
        editor.say(method="textDocument/didOpen", params={"textDocument": document})
        return {"uri": document["uri"]}

    def ghost(document, line, character):
        place = {"textDocument": document, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}}
        answer = editor.ask("textDocument/inlineCompletion", place)
        return [item["insertText"] for item in (answer if isinstance(answer, list) else answer["items"])]

    add = opened("src/add.rs", "rust", "fn add(left: i32, right: i32) -> i32 {\n    left + \n}\n")
    found = ghost(add, 1, 11)
    check("ghost text", found and found[0].strip(), found)
    check("none in an ignored file", ghost(opened("src/ignored.py", "python", "x = 1\n"), 0, 5) == [], "some")
    shop = opened("src/shop.py", "python", SHOP)
    name = {"start": {"line": 0, "character": 4}, "end": {"line": 0, "character": 15}}
    change = {"textDocument": {**shop, "version": 2}, "contentChanges": [{"range": name, "text": "grand_total"}]}
    editor.say(method="textDocument/didChange", params=change)
    asked = {"textDocument": shop, "range": {"start": name["start"], "end": name["start"]}, "context": {"diagnostics": []}}
    carry = [action for action in editor.ask("textDocument/codeAction", asked) if action["kind"] == "refactor.rewrite.propagate"]
    check("the change is to be carried", len(carry) == 1, carry)
    edit = editor.ask("codeAction/resolve", carry[0])["edit"]["documentChanges"]
    check("to the file as the editor names it", [file["textDocument"]["uri"] for file in edit] == [f"{root}/src/app.py"], edit)
    check("both uses", [one["newText"] for one in edit[0]["edits"]] == ["grand_total"] * 2, edit)
    editor.ask("shutdown")
    editor.say(method="exit")
    status = editor.server.wait(30)
    check("it ends well", status == 0, status)


with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
    project(Path(first) / "work")
    commands(Path(first) / "work")
    project(Path(second) / "work")
    session(Path(second) / "work")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)
