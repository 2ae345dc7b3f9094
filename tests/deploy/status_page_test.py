#!/usr/bin/env python3
"""The status page against a Prometheus that answers as the test says, or badly, or not at all."""

import html.parser
import json
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "status"
sys.path.insert(0, str(DEPLOY))
import page  # noqa: E402
import probes  # noqa: E402
import status_page  # noqa: E402

NOW = 1_790_000_000.0
RUNNER = {"job": "blackbox-internal", "target": "runner", "instance": "http://10.0.0.1:3067/health"}


def series(value, at=NOW, **labels):
    return {"metric": {**RUNNER, **labels}, "value": [at, str(value)]}


class FakePrometheus:
    """Answers by the beginning of the query; a callable gets the handler and answers itself."""

    def __init__(self):
        fake = self
        self.answers = {"probe_success": [], "timestamp(": [], "probe_duration": [], "avg_over_time": []}
        self.status, self.queries = 200, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = parse_qs(urlsplit(self.path).query)
                fake.queries.append((urlsplit(self.path).path, query))
                answer = next(a for start, a in fake.answers.items() if query["query"][0].startswith(start))
                if callable(answer):
                    answer(self)
                    return
                body = answer if isinstance(answer, bytes) else json.dumps(
                    {"status": "success", "data": {"resultType": "vector", "result": answer}}).encode()
                self.send_response(fake.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except ConnectionError:
                    pass

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def probe(self, value, age=5, duration=0.012, history=None, **labels):
        self.answers["probe_success"] = [*self.answers["probe_success"], series(value, **labels)]
        self.answers["timestamp("] = [*self.answers["timestamp("], series(NOW - age, **labels)]
        self.answers["probe_duration"] = [*self.answers["probe_duration"], series(duration, **labels)]
        if history is not None:
            values = [[NOW - back * probes.SLOT_SECONDS, str(v)] for back, v in history]
            self.answers["avg_over_time"] = [
                *self.answers["avg_over_time"], {"metric": {**RUNNER, **labels}, "values": values}]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Shape(html.parser.HTMLParser):
    """Tags, attributes and texts; and whether every tag was closed."""

    VOID = {"meta", "rect", "br", "link"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    def text(self):
        return " ".join(" ".join(self.texts).split())


class StatusTest(unittest.TestCase):
    def setUp(self):
        self.prometheus = FakePrometheus()
        self.addCleanup(self.prometheus.close)

    def status(self, previous=None, timeout=5, url=None, stale=180):
        source = probes.Prometheus(url or self.prometheus.url, timeout)
        found = probes.status(source, "blackbox-internal", stale, NOW, previous or {})
        json.dumps(found, allow_nan=False)
        shape = Shape(page.html(found))
        self.assertEqual(shape.open, [])
        return found

    def only(self, **options):
        services = self.status(**options)["groups"][0]["services"]
        self.assertEqual(len(services), 1)
        return services[0]


class WhatIsKnown(StatusTest):
    def test_a_probe_that_succeeded_is_up(self):
        self.prometheus.probe(1)
        found = self.status()
        self.assertEqual(found["overall"], "up")
        self.assertEqual(found["groups"][0]["name"], "Internal")
        one = found["groups"][0]["services"][0]
        self.assertEqual((one["name"], one["status"], one["ageSeconds"], one["durationSeconds"]),
                         ("Mana AI Runner", "up", 5, 0.012))
        self.assertEqual(one["checkedAt"], probes.utc(NOW - 5))
        text = Shape(page.html(found)).text()
        for words in ("All services are up.", "Internal", "Mana AI Runner", "Up", "5 s ago", "It took 12 ms."):
            self.assertIn(words, text)

    def test_a_probe_that_failed_is_down(self):
        self.prometheus.probe(0)
        found = self.status()
        self.assertEqual((found["overall"], self.only()["status"]), ("down", "down"))
        self.assertIn("A service is down.", page.html(found))

    def test_the_runner_of_another_setup_is_known_by_host_or_port(self):
        for instance in ("http://mana-ai:3067/health", "http://mana-ai.default.svc/health", "10.1.2.3:3067",
                         "http://[::1]:3067/health"):
            self.assertEqual(probes.name_of("", instance), "Mana AI Runner", instance)
        self.assertEqual(probes.name_of("", "http://other:99999/"), "http://other:99999/")
        self.assertEqual(probes.name_of("", ""), "unnamed")
        self.assertEqual(probes.name_of("auth", "http://mana-ai:3067/health"), "Mana AI Auth")

    def test_one_process_with_several_targets_is_several_services_and_one_that_is_down_decides(self):
        self.prometheus.probe(1)
        self.prometheus.probe(0, target="sync")
        found = self.status()
        self.assertEqual([(s["name"], s["status"]) for s in found["groups"][0]["services"]],
                         [("Mana AI Runner", "up"), ("Mana AI Sync", "down")])
        self.assertEqual(found["overall"], "down")

    def test_of_two_series_of_one_probe_the_worse_counts(self):
        self.prometheus.probe(1, pod="a")
        self.prometheus.probe(0, pod="b")
        self.assertEqual(self.only()["status"], "down")

    def test_the_job_is_what_is_asked_for(self):
        self.status()
        for _, query in self.prometheus.queries:
            self.assertIn('{job="blackbox-internal"}', query["query"][0])

    def test_the_bar_shows_what_was_up_partly_up_down_and_not_probed(self):
        self.prometheus.probe(1, history=[(0, 1), (1, 0.5), (2, 0), (4, 1), (95, 1), (96, 0), (-1, 0)])
        one = self.only()
        self.assertEqual(len(one["history"]), 96)
        self.assertEqual(one["history"][-5:], [1, None, 0, 0.5, 1])
        self.assertEqual(one["history"][0], 1)
        self.assertAlmostEqual(one["availability24h"], 3.5 / 5)
        image = next(a for tag, a in Shape(page.bar(one)).tags if tag == "svg")
        self.assertEqual(image["role"], "img")
        self.assertIn("70.00 % of the checks", image["aria-label"])
        self.assertIn("3 up, 1 partly up, 1 down, 91 without data", image["aria-label"])

    def test_less_than_all_is_never_called_all(self):
        self.assertEqual(page.percent(1), "100 %")
        self.assertEqual(page.percent(0.999999), "99.99 %")


class WhatIsNotKnown(StatusTest):
    def assert_unknown(self, found, words):
        self.assertEqual(found["overall"], "unknown")
        one = found["groups"][0]["services"][0]
        self.assertEqual((one["name"], one["status"]), ("Mana AI Runner", "unknown"))
        text = page.html(found)
        self.assertIn(words, text)
        self.assertNotIn("All services are up", text)

    def test_no_probe_at_all(self):
        self.assert_unknown(self.status(), "Prometheus has no check of it.")

    def test_nothing_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            found = self.status(url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        self.assert_unknown(found, "it could not be reached")
        self.assertEqual(found["source"], {"ok": False, "error": "it could not be reached"})

    def test_an_answer_that_never_comes(self):
        release = threading.Event()
        self.addCleanup(release.set)
        self.prometheus.answers["probe_success"] = lambda handler: release.wait(20)
        start = time.monotonic()
        self.assert_unknown(self.status(timeout=0.3), "did not answer in time")
        self.assertLess(time.monotonic() - start, 3)

    def test_an_answer_that_trickles(self):
        def trickle(handler):
            handler.send_response(200)
            handler.end_headers()
            try:
                for _ in range(200):
                    handler.wfile.write(b" ")
                    time.sleep(0.05)
            except ConnectionError:
                pass

        self.prometheus.answers["probe_success"] = trickle
        start = time.monotonic()
        self.assert_unknown(self.status(timeout=0.4), "did not answer in time")
        self.assertLess(time.monotonic() - start, 3)

    def test_a_huge_answer(self):
        self.prometheus.answers["probe_success"] = b" " * (probes.MOST_BYTES + 1)
        self.assert_unknown(self.status(), "too large")

    def test_an_answer_that_breaks_off(self):
        def broken(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b'{"status":')

        self.prometheus.answers["probe_success"] = broken
        self.assert_unknown(self.status(), "Prometheus has no answer")

    def test_an_error_of_prometheus(self):
        self.prometheus.status = 503
        self.assert_unknown(self.status(), "status 503")

    def test_answers_that_are_none(self):
        no_list = b'{"data": {"result": 7}}'
        for body in (b"", b"<html>", b"[]", b"null", b'{"data": {}}', no_list, b"\xff", b"[" * 100000):
            with self.subTest(body=body[:30]):
                self.prometheus.answers["probe_success"] = body
                self.assert_unknown(self.status(), "could not be read")

    def test_series_of_another_shape_are_no_probes(self):
        odd = [7, None, {}, {"metric": 1, "value": [1, "1"]}, {"metric": RUNNER}, {"metric": RUNNER, "value": "1"},
               {"metric": RUNNER, "value": [1]}, series("NaN"), series("+Inf"), series("one"), series({})]
        for one in odd:
            with self.subTest(one=one):
                self.prometheus.answers["probe_success"] = [one]
                found = self.status()
                self.assertEqual(found["overall"], "unknown")

    def test_an_address_that_is_no_web_address(self):
        self.assert_unknown(self.status(url="file:///etc/passwd?"), "must begin with http")

    def test_a_check_that_is_too_old(self):
        self.prometheus.probe(1, age=200)
        found = self.status()
        self.assert_unknown(found, "The last check is too old.")
        self.assertIn("Last check said up: 3 minutes ago", Shape(page.html(found)).text())

    def test_a_check_from_the_future(self):
        self.prometheus.probe(1, age=-100000)
        self.assertEqual(self.only()["status"], "unknown")

    def test_a_check_without_its_time(self):
        self.prometheus.probe(1)
        self.prometheus.answers["timestamp("] = b"nonsense"
        self.assert_unknown(self.status(), "could not be read")

    def test_a_duration_and_a_history_that_do_not_come_take_nothing_away(self):
        self.prometheus.probe(1, duration="NaN")
        self.prometheus.answers["avg_over_time"] = b"nonsense"
        found = self.status()
        one = found["groups"][0]["services"][0]
        self.assertEqual((one["status"], one["durationSeconds"], one["history"]), ("up", None, []))
        self.assertFalse(found["source"]["ok"])
        self.assertIn("No data of the last 24 hours", page.html(found))

    def test_what_was_known_before_is_told_with_its_age_and_is_not_up(self):
        self.prometheus.probe(1)
        before = self.status()
        self.prometheus.status = 500
        source = probes.Prometheus(self.prometheus.url, 5)
        found = probes.status(source, "blackbox-internal", 180, NOW + 900, before)
        self.assert_unknown(found, "status 500")
        self.assertIn("Last check said up: 15 minutes ago", Shape(page.html(found)).text())
        # And so it goes on from page to page, for a day.
        again = probes.status(source, "blackbox-internal", 180, NOW + 7200, found)
        self.assertEqual(again["groups"][0]["services"][0]["ageSeconds"], 7205)
        much_later = probes.status(source, "blackbox-internal", 180, NOW + 90000, again)
        self.assertIsNone(much_later["groups"][0]["services"][0]["checkedAt"])

    def test_what_a_forged_earlier_page_says_is_never_up(self):
        self.prometheus.status = 500
        forged = [{"name": "Mana AI Runner", "instance": "", "status": "up", "lastStatus": "up",
                   "checkedAt": probes.utc(NOW)}]
        odd = {"name": [], "checkedAt": 5, "lastStatus": {}}
        for groups in ([{"services": forged}], 7, [None, {"services": [None, {}]}], [{"services": [odd]}]):
            with self.subTest(groups=groups):
                self.assert_unknown(self.status(previous={"groups": groups}), "status 500")


class WhatOthersWrote(StatusTest):
    HOSTILE = (
        '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "</title></style>",
        "&lt;b&gt;", "{{7*7}}", "\u202egnihton", "\ud800", "\x00\x1b[31m", "a" * 20000, "http://[", "//:x", "",
    )

    def test_labels_are_text_and_nothing_else(self):
        plain = {tag for tag, _ in Shape(page.html(self.status())).tags}
        for hostile in self.HOSTILE:
            for where in ({"target": hostile}, {"instance": hostile}, {"target": hostile, "instance": hostile}):
                with self.subTest(hostile=hostile[:30], where=list(where)):
                    for name in self.prometheus.answers:
                        self.prometheus.answers[name] = []
                    self.prometheus.probe(1, history=[(0, 1)], **where)
                    found = self.status()
                    shape = Shape(page.html(found))
                    self.assertLessEqual({tag for tag, _ in shape.tags}, plain | {"svg", "rect"})
                    self.assertEqual(sum(tag == "script" for tag, _ in shape.tags), 1)
                    for tag, attributes in shape.tags:
                        self.assertFalse([a for a in attributes if a.startswith("on")], (tag, attributes))
                    page.html(found).encode("utf-8")

    def test_the_job_cannot_leave_its_quotes(self):
        source = probes.Prometheus(self.prometheus.url, 5)
        probes.status(source, 'x"} or vector(1) or up{job="', 180, NOW, {})
        asked = self.prometheus.queries[0][1]["query"][0]
        self.assertEqual(asked, 'probe_success{job="x\\"} or vector(1) or up{job=\\""}')

    def test_too_many_services_are_counted_instead_of_shown(self):
        for i in range(probes.MOST_SERVICES + 7):
            self.prometheus.answers["probe_success"].append(series(1, target="", instance=f"http://host-{i:03}/"))
        found = self.status()
        self.assertEqual(found["notShown"], 7)
        self.assertIn("7 more are not shown", page.html(found))


class Files(unittest.TestCase):
    def setUp(self):
        self.prometheus = FakePrometheus()
        self.addCleanup(self.prometheus.close)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.out = pathlib.Path(directory.name) / "site"

    def call(self, *options):
        return subprocess.run(
            [sys.executable, "-B", DEPLOY / "status_page.py", "--prometheus", self.prometheus.url, "--out", self.out,
             *options], capture_output=True, text=True, timeout=60, check=False)

    def test_both_are_written_and_nothing_else_is_left(self):
        self.assertEqual(self.call().returncode, 0)
        self.assertEqual(sorted(p.name for p in self.out.iterdir()), ["index.html", "status.json"])
        self.assertEqual(json.loads((self.out / "status.json").read_text())["overall"], "unknown")
        self.assertEqual([oct(p.stat().st_mode & 0o777) for p in sorted(self.out.iterdir())], ["0o644", "0o644"])

    def test_a_reader_never_sees_half_a_file(self):
        self.out.mkdir()
        target = self.out / "index.html"
        texts = [letter * 300_000 for letter in "ab"]
        status_page.write_atomically(target, texts[0])
        over = threading.Event()

        def write():
            for i in range(60):
                status_page.write_atomically(target, texts[i % 2])
            over.set()

        threading.Thread(target=write).start()
        while not over.is_set():
            self.assertIn(target.read_text(), texts)

    def test_a_write_that_fails_leaves_what_was_there(self):
        self.out.mkdir()
        target = self.out / "index.html"
        status_page.write_atomically(target, "old")
        with self.assertRaises(UnicodeEncodeError):
            status_page.write_atomically(target, "new \ud800")
        self.assertEqual(target.read_text(), "old")
        self.assertEqual(len(list(self.out.iterdir())), 1)

    def test_a_directory_that_cannot_be_written_is_an_error(self):
        self.out.write_text("a file")
        done = self.call()
        self.assertEqual(done.returncode, 1)
        self.assertTrue(done.stderr.startswith("status_page: "), done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_an_earlier_page_that_cannot_be_read_is_none(self):
        for content in (b"", b"{", b"[]", b"\xff", b"[" * 100000, b" " * (status_page.MOST_PREVIOUS_BYTES + 1)):
            with self.subTest(content=content[:10]):
                self.out.mkdir(exist_ok=True)
                (self.out / "status.json").write_bytes(content)
                self.assertEqual(status_page.previous(self.out / "status.json"), {})
        self.assertEqual(status_page.previous(self.out / "none.json"), {})

    def test_it_repeats_when_told_to(self):
        process = subprocess.Popen(
            [sys.executable, "-B", DEPLOY / "status_page.py", "--prometheus", self.prometheus.url, "--out", self.out,
             "--every", "0.05"], stderr=subprocess.PIPE)
        try:
            deadline = time.monotonic() + 20
            asked = lambda: sum(q["query"][0].startswith("probe_success") for _, q in self.prometheus.queries)
            while asked() < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            self.assertGreaterEqual(asked(), 3)
        finally:
            process.kill()
            process.communicate()

    def test_options_that_make_no_sense_are_refused(self):
        for options in (["--every", "0"], ["--every", "-1"], ["--stale", "x"], ["--timeout", "inf"]):
            with self.subTest(options=options):
                self.assertEqual(self.call(*options).returncode, 2)


class ForEverybody(StatusTest):
    def test_what_assistive_technology_needs(self):
        self.prometheus.probe(1, history=[(0, 1)])
        text = page.html(self.status())
        shape = Shape(text)
        tags = [tag for tag, _ in shape.tags]
        self.assertEqual(dict(shape.tags)["html"]["lang"], "en")
        self.assertEqual([t for t in tags if t in ("main", "h1")], ["main", "h1"])
        levels = [int(t[1]) for t in tags if t in ("h1", "h2", "h3")]
        self.assertTrue(all(b - a <= 1 for a, b in zip(levels, levels[1:])), levels)
        for tag, attributes in shape.tags:
            if tag == "svg":
                self.assertTrue(attributes["aria-label"])
        self.assertIn("prefers-color-scheme: dark", text)
        self.assertIn("color-scheme: light dark", text)

    @staticmethod
    def contrast(a, b):
        def light(colour):
            if len(colour) == 4:
                colour = "#" + "".join(c * 2 for c in colour[1:])
            parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
            linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

        high, low = sorted((light(a), light(b)), reverse=True)
        return (high + 0.05) / (low + 0.05)

    def test_texts_stand_out_from_what_is_behind_them_in_light_and_dark(self):
        schemes = [dict(re.findall(r"--(\w+): (#\w+)", part)) for part in page.STYLE.split("@media")[:2]]
        for colours in schemes:
            for name in ("text", "soft", "up", "down", "unknown"):
                for behind in ("page", "card"):
                    self.assertGreaterEqual(self.contrast(colours[name], colours[behind]), 4.5, (name, behind))

    def test_the_page_asks_nobody_for_anything(self):
        for tag, attributes in Shape(page.html(self.status())).tags:
            self.assertNotIn("src", attributes)
            if "href" in attributes:
                self.assertEqual((tag, attributes["href"]), ("a", "status.json"))


if __name__ == "__main__":
    unittest.main()
