#!/usr/bin/env python3
"""An OpenAI-compatible endpoint that fails now and then, and keeps a record of what it was asked.

    unreliable_llm.py --record FILE --seed N [--errors 0.05] [--hangs 0.02] [--garbage 0.01] [--latency-ms 50-400]

A call is about the mission and slot that its prompt's title names: `Mission <id> Slot <number>`. Texts that were
encrypted hold marks, `MARK-<mission id>`. The record has JSON lines, each in the file before the call goes on; times
are microseconds since 1970:

    {"at", "call", "event": "seen", "mission", "slot", "marks"}    `at` is when the request's first bytes were there
    {"at", "call", "event": "planned" | "error" | "garbage" | "gave up"}    gave up: the caller closed first

A plan's summary names its call: `Aufruf 17`. What happens to a call is decided by the seed, its mission and slot, and
how many calls those had before. Prints its port.
"""
import argparse
import asyncio
import collections
import json
import random
import re
import time

_TITLE = re.compile(r"^Titel: Mission (\S+) Slot (\d+)$", re.M)
_MARK = re.compile(r"MARK-[\w-]+")
_LARGEST_BODY = 4 << 20


def now_us():
    return time.time_ns() // 1000


class Endpoint:
    def __init__(self, options):
        self._options = options
        self._latency = [float(ms) for ms in options.latency_ms.split("-")]
        self._record = open(options.record, "a", encoding="utf-8", buffering=1)
        self._calls = 0
        self._calls_of = collections.Counter()

    def _write(self, at, call, event, **more):
        self._record.write(json.dumps({"at": at, "call": call, "event": event} | more) + "\n")

    async def serve(self, reader, writer):
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the caller had enough of it
        finally:
            writer.close()

    async def _serve_one(self, reader, writer):
        first = await reader.read(1)
        if not first:
            return False
        at = now_us()
        head = first + await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"POST"):
            return await _answer(writer, 200, b'{"data": []}')
        length = int(re.search(rb"content-length: *(\d+)", head, re.I)[1])
        if length > _LARGEST_BODY:
            return False
        prompt = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
        return await self._planned(at, prompt, reader, writer)

    async def _planned(self, at, prompt, reader, writer):
        self._calls += 1
        call = self._calls
        title = _TITLE.search(prompt)
        mission, slot = (title[1], int(title[2])) if title else (None, None)
        self._write(at, call, "seen", mission=mission, slot=slot, marks=sorted(set(_MARK.findall(prompt))))
        self._calls_of[mission, slot] += 1
        dice = random.Random(f"{self._options.seed}:{mission}:{slot}:{self._calls_of[mission, slot]}")
        outcome = self._outcome(dice)
        if not await _stays(reader, None if outcome == "hang" else dice.uniform(*self._latency) / 1000):
            self._write(now_us(), call, "gave up")
            return False
        self._write(now_us(), call, outcome)
        if outcome == "error":
            return await _answer(writer, 500, b'{"error": "broken"}')
        content = "Gerne! Hier ist leider kein Plan." if outcome == "garbage" else _plan(call)
        return await _answer(writer, 200, _completion(content))

    def _outcome(self, dice):
        at = dice.random()
        for outcome, share in (("error", self._options.errors), ("hang", self._options.hangs),
                               ("garbage", self._options.garbage)):
            if at < share:
                return outcome
            at -= share
        return "planned"


async def _stays(reader, seconds):
    """Waits so long, or for ever; False as soon as the caller closes."""
    closed = asyncio.ensure_future(reader.read(1))
    done, _ = await asyncio.wait([closed], timeout=seconds)
    closed.cancel()
    return not done


async def _answer(writer, status, body):
    head = f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return True


def _plan(call):
    # Every fourth plan waits for its user.
    step = {"summary": "Aufgabe anlegen", "toolName": "create_task", "params": {"title": "Laufen"},
            "rationale": "Das Ziel ist offen."}
    return json.dumps({"summary": f"Aufruf {call}", "steps": [step] if call % 4 == 0 else []})


def _completion(content):
    message = {"role": "assistant", "content": content}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    usage = {"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000}
    return json.dumps({"choices": choices, "usage": usage}).encode()


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--record", required=True)
    arguments.add_argument("--seed", required=True)
    arguments.add_argument("--errors", type=float, default=0.05)
    arguments.add_argument("--hangs", type=float, default=0.02)
    arguments.add_argument("--garbage", type=float, default=0.01)
    arguments.add_argument("--latency-ms", default="50-400")
    endpoint = Endpoint(arguments.parse_args())
    server = await asyncio.start_server(endpoint.serve, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
