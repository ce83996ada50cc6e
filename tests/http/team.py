"""Fifty people at one server at once: every request answered, and nobody much slower than another.

usage: team.py                             the tests
       team.py --users N [--requests N]    the figures of one run, as JSON
"""

import argparse
import asyncio
import json
import random
import statistics
import time

import httpx
from server import Suite, equal, serve

WORDS = "total count item value name path line text size index first last left right node leaf tree page token cache".split()


def prefix(user: int, turn: int) -> str:
    """A file of this user's own, typed on a little with each turn."""
    chance = random.Random(user)
    lines = [f"    {chance.choice(WORDS)} = {chance.choice(WORDS)}({chance.randrange(100)})" for _ in range(12 + turn)]
    return f"def user_{user}(items):\n" + "\n".join(lines) + "\n    return "


async def one_user(client: httpx.AsyncClient, user: int, requests: int, go: asyncio.Event) -> dict:
    """Asks one after the other, as somebody who types; the seconds until all were answered, and each one's."""
    headers = {"Authorization": f"Bearer token-of-user-{user:04}"}
    times, statuses = [], []
    await go.wait()
    began = time.monotonic()
    for turn in range(requests):
        asked = time.monotonic()
        answer = await client.post("/infill", json={"input_prefix": prefix(user, turn), "input_suffix": "\n", "n_predict": 8}, headers=headers)
        times.append(time.monotonic() - asked)
        statuses.append(answer.status_code)
    return {"user": user, "seconds": time.monotonic() - began, "times": times, "statuses": statuses}


async def together(base: str, users: int, requests: int) -> list[dict]:
    limits = httpx.Limits(max_connections=users, max_keepalive_connections=users)
    async with httpx.AsyncClient(base_url=base, timeout=120, limits=limits) as client:
        go = asyncio.Event()
        tasks = [asyncio.create_task(one_user(client, user, requests, go)) for user in range(users)]
        await asyncio.sleep(0.1)
        go.set()
        return await asyncio.gather(*tasks)


def measure(users: int, requests: int) -> dict:
    tokens = "".join(f"user{user} token-of-user-{user:04}\n" for user in range(users))
    with serve(tokens) as base:
        # The model is loaded and the processor awake before it counts.
        asyncio.run(together(base, 1, 1))
        began = time.monotonic()
        found = asyncio.run(together(base, users, requests))
        took = time.monotonic() - began
        headers = {"Authorization": "Bearer token-of-user-0001"}
        status = httpx.get(f"{base}/status", headers=headers, timeout=60).json()
    each = sorted(person["seconds"] for person in found)
    times = sorted(seconds for person in found for seconds in person["times"])
    return {
        "users": users,
        "requests": users * requests,
        "answered": sum(status == 200 for person in found for status in person["statuses"]),
        "counted_by_the_server": sum(user["answered"] for user in status["users"]) - 1,
        "least_by_the_server": min(user["answered"] for user in status["users"]),
        "seconds": round(took, 3),
        "slowest_user_by_fastest": round(each[-1] / each[0], 3),
        "request_ms": {"p50": round(1e3 * statistics.median(times), 1), "p95": round(1e3 * times[int(len(times) * 0.95)], 1), "most": round(1e3 * times[-1], 1)},
    }


def test() -> None:
    suite = Suite("team")

    @suite.test("fifty users at once: every request is answered, and each is the user's")
    def _():
        found = measure(50, 4)
        print(f"      {json.dumps(found)}")
        equal(found["answered"], 200, "answers")
        equal((found["counted_by_the_server"], found["least_by_the_server"]), (200, 4), "as the server counts them")

    @suite.test("one who asks for much does not hold up one who asks for little")
    def _():
        with serve("greedy greedy-0123456789abcdef\nmodest modest-0123456789abcdef\n") as base:

            async def both() -> tuple[int, int]:
                async with httpx.AsyncClient(base_url=base, timeout=120, limits=httpx.Limits(max_connections=100)) as client:
                    as_user = lambda name: {"Authorization": f"Bearer {name}-0123456789abcdef"}
                    long = lambda turn: client.post("/infill", json={"input_prefix": prefix(turn, 4), "n_predict": 48, "temperature": 5, "seed": turn}, headers=as_user("greedy"))
                    flood = [asyncio.create_task(long(turn)) for turn in range(40)]
                    while not sum(slot["is_processing"] for slot in (await client.get("/slots", headers=as_user("modest"))).json()) >= 40:
                        if all(task.done() for task in flood):
                            raise AssertionError("the flood was over before it was seen")
                        await asyncio.sleep(0)
                    # Counted, not timed: how much of the flood is over when the modest user's one request is.
                    answer = await client.post("/infill", json={"input_prefix": prefix(99, 0), "n_predict": 4}, headers=as_user("modest"))
                    over = sum(task.done() for task in flood)
                    await asyncio.gather(*flood)
                    return answer.status_code, over

            status, over = asyncio.run(both())
            equal(status, 200, "the modest user's answer")
            if over > 10:
                raise AssertionError(f"{over} of the other's 40 requests were served first")

    suite.end()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int)
    parser.add_argument("--requests", type=int, default=8)
    options = parser.parse_args()
    if options.users:
        print(json.dumps(measure(options.users, options.requests), indent=2))
    else:
        test()
