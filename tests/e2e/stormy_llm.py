#!/usr/bin/env python3
"""An OpenAI-compatible endpoint with phases of bad weather, which keeps count of what it was asked.

    stormy_llm.py --latency-ms N --phases calm:4,limiting:5,...

The phases, each with its seconds, begin with the first call; the last one lasts for ever. A call meets the weather of
the moment when it arrives: calm (a plan, after the latency), limiting (429), hanging (no answer at all, also when
the phase is over), cutting (the connection is closed without an answer). GET /record: what happened so far, as
JSON, per phase {"weather", "calls", "successes"}; a success counts where it is answered. Prints its port.
"""
import argparse
import bisect
import json
import threading
import time

import faulty_llm


class Weather:
    def __init__(self, phases):
        self.record = [{"weather": name, "calls": 0, "successes": 0} for name, _ in phases]
        self._ends, end = [], 0.0
        for _, seconds in phases[:-1]:
            end += seconds
            self._ends.append(end)
        self._begun = None
        self._lock = threading.Lock()

    def count(self, what):
        """In the phase of this moment; returns its weather."""
        with self._lock:
            self._begun = self._begun or time.monotonic()
            phase = self.record[bisect.bisect_right(self._ends, time.monotonic() - self._begun)]
            phase[what] += 1
            return phase["weather"]

    def as_json(self):
        with self._lock:
            return json.dumps(self.record).encode()


class Stormy(faulty_llm.Handler):
    weather = None
    latency = 0.0

    def do_GET(self):
        self.answer(200, self.weather.as_json())

    def do_POST(self):
        self.prompt()
        weather = self.weather.count("calls")
        if weather == "limiting":
            self.answer(429, b'{"error": "slow down"}')
        elif weather == "hanging":
            self.rfile.read(1)  # returns when the caller gives up
            self.close_connection = True
        elif weather == "cutting":
            self.close_connection = True
        else:
            time.sleep(self.latency)
            self.weather.count("successes")
            self.answer(200, faulty_llm.completion(faulty_llm.plan("create_task")))


def phase(text):
    name, seconds = text.split(":")
    return name, float(seconds)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--latency-ms", type=float, default=0)
    arguments.add_argument("--phases", type=lambda text: [phase(part) for part in text.split(",")], required=True)
    options = arguments.parse_args()
    Stormy.latency = options.latency_ms / 1000
    Stormy.weather = Weather(options.phases)
    faulty_llm.serve(Stormy)


main()
