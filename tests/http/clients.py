"""Conformance by the clients that people have, each in its own words, against a real server."""

import asyncio
import time

import httpx
import ollama
import openai
from mistralai.client import Mistral
from mistralai.client import errors as mistral_errors
from server import Suite, equal, raises, serve

PREFIX = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return "
SUFFIX = "\n\n\nprint(subtract(2, 1))\n"
TOKEN = "a-token-that-is-long-enough"
# Long enough to be seen at work: at such a temperature one token is as good as another, and the end comes seldom.
LONG = {"prompt": "def f():\n", "max_tokens": 1500, "temperature": 5}

suite = Suite("clients")


def at_work(base: str, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return sum(slot["is_processing"] for slot in httpx.get(f"{base}/slots", headers=headers).json())


def idle_again(base: str) -> None:
    """What was left is not worked at any more."""
    end = time.monotonic() + 10
    while at_work(base):
        if time.monotonic() > end:
            raise AssertionError("the server goes on writing for nobody")
        time.sleep(0.005)


def left(base: str, begin) -> None:
    """`begin(seed)` asks for a long text and goes away at once: the server must have been at work then, and stop."""
    for seed in range(40):
        seen = begin(seed)
        idle_again(base)
        if seen:
            return
    raise AssertionError("the server was never seen at work")


with serve() as base, serve(f"ana {TOKEN} requests-per-minute=3\n") as guarded:
    client = openai.OpenAI(base_url=f"{base}/v1", api_key="none is asked for", max_retries=0)
    hole = {"model": "pilotlight", "prompt": PREFIX, "suffix": SUFFIX, "max_tokens": 12, "temperature": 0}
    infill = httpx.post(f"{base}/infill", json={"input_prefix": PREFIX, "input_suffix": SUFFIX, "n_predict": 12}, timeout=60).json()
    expected = infill["content"]

    @suite.test("openai: models, a completion with a suffix, its usage")
    def _():
        models = client.models.list().data
        equal(len(models), 1, "models")
        answer = client.completions.create(**hole)
        equal(answer.choices[0].text, expected, "the text")
        equal(answer.object, "text_completion", "object")
        equal(answer.usage.completion_tokens, infill["tokens_predicted"], "tokens")
        equal(answer.usage.total_tokens, answer.usage.prompt_tokens + answer.usage.completion_tokens, "their sum")
        equal(answer.choices[0].finish_reason in ("stop", "length"), True, "finish_reason")

    @suite.test("openai: streamed, the pieces are the whole")
    def _():
        pieces = list(client.completions.create(**hole, stream=True))
        equal("".join(piece.choices[0].text for piece in pieces), expected, "the text")
        equal([piece.choices[0].finish_reason for piece in pieces].count(None), len(pieces) - 1, "pieces without an end")

    @suite.test("openai: stop, and one answer at a time")
    def _():
        stop = expected.strip()[1]
        equal(client.completions.create(**hole, stop=[stop]).choices[0].text, expected.split(stop)[0], "the text before the stop")
        raises(openai.BadRequestError, lambda: client.completions.create(**hole, n=2), "`n` of 1")

    @suite.test("openai: errors as the client knows them")
    def _():
        raises(openai.BadRequestError, lambda: client.completions.create(**{**hole, "temperature": 9}), "temperature: expected 0 to 5, found 9")
        raises(openai.UnprocessableEntityError, lambda: client.completions.create(**{**hole, "prompt": 3}), "expected a prompt that is a text")
        raises(openai.NotFoundError, lambda: client.embeddings.create(model="x", input="y"), "no such path")
        stranger = openai.OpenAI(base_url=f"{guarded}/v1", api_key="wrong", max_retries=0)
        raises(openai.AuthenticationError, lambda: stranger.models.list(), "not one of this server's")

    @suite.test("openai: a quota is a RateLimitError with the time to wait")
    def _():
        ana = openai.OpenAI(base_url=f"{guarded}/v1", api_key=TOKEN, max_retries=0)
        for _ in range(3):
            ana.completions.create(**hole)
        error = raises(openai.RateLimitError, lambda: ana.completions.create(**hole), "3 requests a minute")
        equal(1 <= int(error.response.headers["retry-after"]) <= 20, True, "Retry-After")

    @suite.test("openai: a stream that is closed frees the engine")
    def _():
        def begin(seed):
            stream = client.completions.create(model="pilotlight", **LONG, seed=seed, stream=True)
            seen = at_work(base)
            stream.close()
            return seen

        left(base, begin)

    @suite.test("openai: a call that is cancelled frees the engine, streamed or not")
    def _():
        async def abandon(seed):
            async with openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="x", max_retries=0) as other:
                task = asyncio.create_task(other.completions.create(model="pilotlight", **LONG, seed=seed))
                await asyncio.sleep(0.15)
                seen = await asyncio.to_thread(at_work, base)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                return seen

        left(base, lambda seed: asyncio.run(abandon(seed)))

    @suite.test("mistralai: fill in the middle, whole and streamed")
    def _():
        with Mistral(api_key="none is asked for", server_url=base) as mistral:
            answer = mistral.fim.complete(model="codestral-latest", prompt=PREFIX, suffix=SUFFIX, max_tokens=12, temperature=0)
            equal(answer.choices[0].message.content, expected, "the text")
            equal(answer.usage.completion_tokens, infill["tokens_predicted"], "tokens")
            pieces = list(mistral.fim.stream(model="codestral-latest", prompt=PREFIX, suffix=SUFFIX, max_tokens=12, temperature=0))
            equal("".join(piece.data.choices[0].delta.content for piece in pieces), expected, "the pieces")
            equal(pieces[-1].data.choices[0].finish_reason is not None, True, "the end")

    @suite.test("mistralai: errors have the server's words")
    def _():
        with Mistral(api_key="x", server_url=base) as mistral:
            raises(mistral_errors.MistralError, lambda: mistral.fim.complete(model="c", prompt="a", temperature=9.0), "temperature: expected 0 to 5")
        with Mistral(api_key="wrong", server_url=guarded) as mistral:
            raises(mistral_errors.MistralError, lambda: mistral.fim.complete(model="c", prompt="a"), "not one of this server's")

    @suite.test("ollama: generate with a suffix, whole and streamed; list, show")
    def _():
        friend = ollama.Client(host=base)
        options = {"num_predict": 12, "temperature": 0}
        answer = friend.generate(model="pilotlight", prompt=PREFIX, suffix=SUFFIX, options=options)
        equal((answer.response, answer.done), (expected, True), "the text")
        equal(answer.eval_count, infill["tokens_predicted"], "tokens")
        pieces = list(friend.generate(model="pilotlight", prompt=PREFIX, suffix=SUFFIX, options=options, stream=True))
        equal("".join(piece.response for piece in pieces), expected, "the pieces")
        equal([piece.done for piece in pieces], [False] * (len(pieces) - 1) + [True], "the end")
        (model,) = friend.list().models
        shown = friend.show(model.model)
        equal("insert" in shown.capabilities, True, "it can fill in")

    @suite.test("ollama: errors have the server's words; an empty prompt loads")
    def _():
        friend = ollama.Client(host=base)
        raises(ollama.ResponseError, lambda: friend.generate(model="x", prompt="a", options={"temperature": 9}), "temperature: expected 0 to 5")
        equal(friend.generate(model="x", prompt="").done_reason, "load", "done_reason")

    @suite.test("llama.vim: its post, the fields that it names, and its warm-up")
    def _():
        fields = ["content", "timings/prompt_n", "timings/prompt_ms", "timings/prompt_per_token_ms", "timings/prompt_per_second", "timings/predicted_n", "timings/predicted_ms"]
        fields += ["timings/predicted_per_token_ms", "timings/predicted_per_second", "truncated", "tokens_cached"]
        post = {
            "id_slot": 0, "input_prefix": PREFIX.rsplit("\n", 1)[0] + "\n", "input_suffix": SUFFIX, "prompt": PREFIX.rsplit("\n", 1)[1],
            "input_extra": [{"filename": "other.py", "text": "def multiply(a, b):\n    return a * b\n", "time": [1, 2]}], "n_predict": 12, "stop": [], "n_indent": 4, "top_k": 40, "top_p": 0.9,
            "stream": False, "samplers": ["top_k", "top_p", "infill"], "cache_prompt": True, "t_max_prompt_ms": 500, "t_max_predict_ms": 1000, "response_fields": fields,
        }
        answer = httpx.post(f"{base}/infill", json=post, timeout=60).json()
        equal(sorted(answer), sorted(fields), "the fields")
        warm = httpx.post(f"{base}/infill", json={**post, "n_predict": 0, "samplers": [], "response_fields": [""]}, timeout=60)
        equal(warm.status_code, 200, "the warm-up")
        again = httpx.post(f"{base}/infill", json=post, timeout=60).json()
        equal((again["content"], again["timings/prompt_n"]), (answer["content"], 1), "the same again: one token is computed")

    @suite.test("llama.cpp: health, props and slots")
    def _():
        equal(httpx.get(f"{base}/health").json(), {"status": "ok"}, "health")
        context = httpx.get(f"{base}/props").json()["default_generation_settings"]["n_ctx"]
        (slot,) = httpx.get(f"{base}/slots").json()
        equal((slot["id"], slot["n_ctx"], slot["is_processing"], slot["id_task"]), (0, context, False, -1), "the free slot")

    @suite.test("a prompt is in the cache when it comes again, whichever client asks")
    def _():
        answer = client.completions.create(**hole)
        equal(answer.usage.prompt_tokens_details.cached_tokens, answer.usage.prompt_tokens - 1, "cached tokens")

suite.end()
