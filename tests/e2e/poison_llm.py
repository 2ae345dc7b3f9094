#!/usr/bin/env python3
"""An OpenAI-compatible endpoint whose answers to some missions are the end of the runner that asks.

    poison_llm.py --victim FILE --kills FILE

A prompt that holds the text `poison` kills the process whose id is in the first file (SIGKILL), half a second later, so
that what else runs there can end; each kill is a line of the second file. Any other prompt gets a plan with one
step. Prints its port.
"""
import argparse
import os
import signal
import time

import faulty_llm


class PoisonHandler(faulty_llm.Handler):
    options = None

    def do_POST(self):
        if "poison" not in self.prompt():
            self.answer(200, faulty_llm.completion(faulty_llm.plan("create_task")))
            return
        self.close_connection = True
        with open(self.options.victim, encoding="ascii") as file:
            victim = int(file.read())
        time.sleep(0.5)
        with open(self.options.kills, "a", encoding="ascii") as file:
            file.write(f"{victim}\n")
        os.kill(victim, signal.SIGKILL)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--victim", required=True)
    arguments.add_argument("--kills", required=True)
    PoisonHandler.options = arguments.parse_args()
    faulty_llm.serve(PoisonHandler)


main()
