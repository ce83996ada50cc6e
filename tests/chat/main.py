"""The comparisons of tests/chat/run."""

import json
import random
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

# Of the families that are run here, or whose models people chat with; the last argument may name others.
TEMPLATES = [
    "mistralai-Ministral-3-14B-Reasoning-2512", "unsloth-mistral-Devstral-Small-2507", "Mistral-Small-3.2-24B-Instruct-2506", "mistralai-Mistral-Nemo-Instruct-2407",
    "Qwen3-Coder", "Qwen-Qwen3-0.6B", "Qwen-Qwen2.5-7B-Instruct", "Qwen-QwQ-32B", "Qwen3.5-4B", "google-gemma-2-2b-it", "ibm-granite-granite-3.3-2B-Instruct", "ibm-granite-granite-4.0",
    "meta-llama-Llama-3.1-8B-Instruct", "meta-llama-Llama-3.2-3B-Instruct", "meta-llama-Llama-3.3-70B-Instruct", "ByteDance-Seed-OSS", "microsoft-Phi-3.5-mini-instruct",
    "HuggingFaceTB-SmolLM3-3B",
]
STRICT = ["mistralai-Ministral-3-14B-Reasoning-2512", "unsloth-mistral-Devstral-Small-2507", "Mistral-Small-3.2-24B-Instruct-2506", "mistralai-Mistral-Nemo-Instruct-2407"]
ROUNDS = 60


class Generation(Extension):
    """transformers' tag for training: its body as it is."""

    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def environment() -> ImmutableSandboxedEnvironment:
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda format: datetime.now().strftime(format)
    return env


WORDS = ["", "fix it", "é 日本 👩‍👩‍👧", "a\n\nb\t", "<b>'&\"</b>", "{{ x }} {% y %}", "  spaced  ", "<think>hm</think>done", "[INST]no[/INST]", "<|im_end|>", "1 < 2 && 3 > 2"]
TOOLS = [
    {"type": "function", "function": {"name": "read", "description": "Reads a <file>", "parameters": {"type": "object", "properties": {"path": {"type": "string", "description": "é"}, "all": {"type": "boolean"}}, "required": ["path"]}}},
    {"type": "function", "function": {"name": "add", "description": "", "parameters": {"type": "object", "properties": {"z": {"type": "number", "enum": [1, 2.5]}, "a": {"type": ["string", "null"]}}}}},
]


def turns(dice: random.Random, alternating: bool, count: int) -> list[dict]:
    """Legal messages: results stand behind the calls that they answer; else anything where `alternating` is false."""
    messages = []
    if dice.random() < 0.5:
        messages.append({"role": "system", "content": dice.choice(WORDS)})
    for at in range(count):
        role = ["user", "assistant"][at % 2] if alternating else dice.choice(["user", "assistant", "system"])
        message = {"role": role, "content": dice.choice(WORDS[1:] if alternating else WORDS)}
        messages.append(message)
        if role == "assistant" and dice.random() < 0.4:
            calls = [
                {"id": f"call{at:03}{n:02}", "type": "function", "function": {"name": "read", "arguments": {"path": dice.choice(WORDS), "n": dice.choice([1, 2.5, True, None, [1, {"k": "v"}]])}}}
                for n in range(dice.randint(1, 2))
            ]
            message["tool_calls"] = calls
            for call in calls:
                messages.append({"role": "tool", "tool_call_id": call["id"], "name": "read", "content": dice.choice(WORDS)})
            if alternating:
                messages.append({"role": "assistant", "content": dice.choice(WORDS[1:])})
    return messages


def main() -> None:
    ours, folder, *names = sys.argv[1:]
    process = subprocess.Popen([ours], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(**request) -> dict:
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    passed = failed = 0
    env = environment()
    for name in names or TEMPLATES:
        source = (Path(folder) / f"{name}.jinja").read_text()
        template = env.from_string(source)
        dice = random.Random(name)
        same, refused, wrong = 0, 0, None
        for _ in range(ROUNDS):
            messages = turns(dice, dice.random() < 0.7, dice.randint(1, 6))
            tools = dice.choice([None, TOOLS, TOOLS[:1]])
            try:
                expected = {"text": template.render(messages=messages, tools=tools, add_generation_prompt=True, bos_token="<s>", eos_token="</s>")}
            except jinja2.exceptions.TemplateError as error:
                expected = {"refused": str(error)}
            except Exception as error:
                # A template that runs into Python's own errors fails here too, in other words.
                expected = {"failed": str(error)}
            got = ask(template=source, bos="<s>", eos="</s>", messages=json.dumps(messages, ensure_ascii=False), tools=tools and json.dumps(tools, ensure_ascii=False))
            alike = expected == got or ("text" not in expected and "text" not in got)
            same, refused = same + alike, refused + ("text" not in expected)
            if not alike and wrong is None:
                wrong = (messages, expected, got)
        passed, failed = passed + (same == ROUNDS), failed + (same < ROUNDS)
        print(f"{'ok    ' if same == ROUNDS else 'FAILED'} {name}: {same} of {ROUNDS} conversations as Jinja2 ({refused} of them refused by both)", flush=True)
        if wrong:
            messages, expected, got = wrong
            text, other = expected.get("text", str(expected)), got.get("text", str(got))
            at = next((n for n, (a, b) in enumerate(zip(text, other)) if a != b), min(len(text), len(other)))
            print(f"       expected ...{text[max(0, at - 60):at + 60]!r}\n       found    ...{other[max(0, at - 60):at + 60]!r}\n       of {json.dumps(messages, ensure_ascii=False)[:400]}")
    for name in STRICT if not names else []:
        source = (Path(folder) / f"{name}.jinja").read_text()
        dice = random.Random(name)
        refusals, raised, silent = [], 0, 0
        for _ in range(5 * ROUNDS):
            messages = turns(dice, False, dice.randint(1, 7))
            try:
                env.from_string(source).render(messages=messages, tools=TOOLS, add_generation_prompt=True, bos_token="<s>", eos_token="</s>")
            except jinja2.exceptions.TemplateError:
                raised += 1
            got = ask(template=source, bos="<s>", eos="</s>", messages=json.dumps(messages), tools=json.dumps(TOOLS), ordered=True)
            said = re.sub(r"\s+", "", got.get("text", ""))
            # Some templates leave out themselves what an assistant says beside a call, or a system message when a person's is not the last.
            silent += any(re.sub(r"\s+", "", m["content"]).split("</think>")[-1] not in said for m in messages)
            if "text" not in got:
                refusals.append((got, messages))
        passed, failed = passed + (not refusals), failed + bool(refusals)
        print(f"{'FAILED' if refusals else 'ok    '} {name}: {5 * ROUNDS - len(refusals)} of {5 * ROUNDS} legal orders are prompts ({raised} of them the template alone refuses; of {silent} it leaves something out)")
        for got, messages in refusals[:2]:
            print(f"       {got} {json.dumps(messages, ensure_ascii=False)[:500]}")
    print(f"\n{passed} passed, {failed} failed")
    raise SystemExit(failed > 0)


main()
