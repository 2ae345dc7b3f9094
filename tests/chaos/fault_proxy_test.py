#!/usr/bin/env python3
"""fault_proxy.py between a client and a server that are both played here."""

import asyncio
import json
import struct
import unittest

import fault_proxy


def message(kind, body=b""):
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


def query(text):
    return message("Q", text.encode() + b"\0")


def extended(text):
    parse = message("P", b"\0" + text.encode() + b"\0\0\0")
    return parse + message("B", b"\0\0" + bytes(6)) + message("E", b"\0" + bytes(4)) + message("S")


STARTUP = struct.pack("!II", 8 + 6, 196608) + b"user\0\0"
SSL_REQUEST = struct.pack("!II", 8, 80877103)


class PlayedServer:
    """Answers each statement with its text as the tag, and knows what transactions are."""

    def __init__(self):
        self.statements = []

    async def serve(self, reader, writer):
        head = await reader.readexactly(8)
        await reader.readexactly(struct.unpack("!I", head[:4])[0] - 8)
        writer.write(message("Z", b"I"))
        framer, text, state = fault_proxy.Framer(), "", b"I"
        while data := await reader.read(65536):
            for kind, raw in framer.feed(data):
                if kind == "P":
                    text = raw[6:].split(b"\0")[0].decode()
                if kind == "Q":
                    text = raw[5:-1].decode()
                if kind not in "QS":
                    continue
                self.statements.append(text)
                state = {"BEGIN": b"T", "COMMIT": b"I"}.get(text, state)
                writer.write(message("C", text.encode() + b"\0") + message("Z", state))
        writer.close()


class Client:
    def __init__(self, reader, writer):
        self._reader, self.writer = reader, writer
        self._framer = fault_proxy.Framer()

    @classmethod
    async def connect(cls, port):
        client = cls(*await asyncio.open_connection("127.0.0.1", port))
        client.writer.write(STARTUP)
        assert await client.answer() == []
        return client

    async def answer(self):
        """The tags up to ReadyForQuery; None when the connection ended before."""
        tags = []
        while True:
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                return None
            if not data:
                return None
            for kind, raw in self._framer.feed(data):
                if kind == "Z":
                    return tags
                tags.append(raw[5:-1].decode())

    async def ask(self, what):
        self.writer.write(what)
        return await self.answer()


class FaultProxyTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.server = PlayedServer()
        listening = await asyncio.start_server(self.server.serve, "127.0.0.1", 0)
        address = ("127.0.0.1", fault_proxy.port_of(listening))
        self.proxy, clients, orders = await fault_proxy.start(address, "seed")
        self.port = fault_proxy.port_of(clients)
        self.orders = await asyncio.open_connection("127.0.0.1", fault_proxy.port_of(orders))
        self.listening = [listening, clients, orders]

    async def asyncTearDown(self):
        for server in self.listening:
            server.close()
        await self.order(cut=True)
        self.orders[1].close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(others, timeout=5)

    async def connect(self):
        client = await Client.connect(self.port)
        self.addCleanup(client.writer.close)
        return client

    async def order(self, **what):
        self.orders[1].write(json.dumps(what).encode() + b"\n")
        return json.loads(await self.orders[0].readline())

    async def test_good_weather_passes_everything(self):
        client = await self.connect()
        self.assertEqual(await client.ask(query("BEGIN")), ["BEGIN"])
        self.assertEqual(await client.ask(extended("select 1")), ["select 1"])
        self.assertEqual(await client.ask(query("COMMIT")), ["COMMIT"])
        self.assertEqual(await self.order(), {"connections": 1})

    async def test_tls_is_refused_and_the_session_goes_on(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(SSL_REQUEST)
        self.assertEqual(await reader.readexactly(1), b"N")
        writer.write(STARTUP)
        self.assertEqual(await reader.readexactly(6), message("Z", b"I"))

    async def test_a_commit_is_done_and_its_answer_lost(self):
        await self.order(weather={"drop_after_commit": 1})
        client = await self.connect()
        self.assertEqual(await client.ask(query("BEGIN")), ["BEGIN"])
        self.assertEqual(await client.ask(extended("update")), ["update"])
        self.assertIsNone(await client.ask(query("COMMIT")))
        self.assertEqual(self.server.statements, ["BEGIN", "update", "COMMIT"])
        self.assertEqual((await self.order())["drops_after_commit"], 1)

    async def test_a_commit_that_rolled_back_is_not_counted_as_one(self):
        await self.order(weather={"drop_after_commit": 1})
        session = fault_proxy.Session(self.proxy, 1, None, None)
        session._dropping = "commit"
        self.assertFalse(session._from_server([("C", message("C", b"ROLLBACK\0")), ("Z", message("Z", b"I"))]))
        self.assertEqual(await self.order(), {"drops_after_failure": 1})

    async def test_a_statement_of_its_own_is_done_and_its_answer_lost(self):
        await self.order(weather={"drop_after_statement": 1})
        client = await self.connect()
        self.assertIsNone(await client.ask(extended("select claim()")))
        self.assertEqual(self.server.statements, ["select claim()"])
        self.assertEqual((await self.order())["drops_after_statement"], 1)

    async def test_a_statement_within_a_transaction_commits_nothing(self):
        await self.order(weather={"drop_after_statement": 1})
        client = await self.connect()
        self.assertEqual(await client.ask(query("BEGIN")), ["BEGIN"])
        self.assertEqual(await client.ask(extended("update")), ["update"])

    async def test_silence_passes_nothing_and_keeps_the_connection(self):
        client = await self.connect()
        await self.order(half_open=True)
        answer = asyncio.create_task(client.ask(query("select 1")))
        other = await self.connect()
        self.assertEqual(await other.ask(query("select 2")), ["select 2"])
        self.assertFalse(answer.done())
        await self.order(cut=True)
        self.assertIsNone(await answer)
        self.assertEqual(self.server.statements, ["select 2"])

    async def test_silence_ends_with_the_connection(self):
        await self.order(weather={"half_open": 1, "half_open_ms": 1})
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(STARTUP)
        with self.assertRaises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(6)
        self.assertEqual((await self.order())["half_opens"], 1)

    async def test_a_cut_ends_the_connection(self):
        client = await self.connect()
        await self.order(weather={"cut": 1})
        self.assertIsNone(await client.ask(query("select 1")))
        self.assertEqual((await self.order())["cuts"], 1)

    async def test_a_delay_loses_nothing(self):
        await self.order(weather={"delay": 1, "delay_ms": 1})
        client = await self.connect()
        self.assertEqual(await client.ask(query("select 1")), ["select 1"])
        self.assertGreaterEqual((await self.order())["delays"], 2)

    async def test_a_server_that_is_away_ends_the_connection(self):
        proxy, clients, _ = await fault_proxy.start(("127.0.0.1", 1), "seed")
        reader, writer = await asyncio.open_connection("127.0.0.1", fault_proxy.port_of(clients))
        writer.write(STARTUP)
        with self.assertRaises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readexactly(1)

    def test_messages_may_come_in_pieces(self):
        framer, whole = fault_proxy.Framer(), query("select 1") + message("S")
        got = [m for i in range(len(whole)) for m in framer.feed(whole[i : i + 1])]
        self.assertEqual(got, [("Q", query("select 1")), ("S", message("S"))])

    def test_a_length_beyond_all_limits_is_refused(self):
        with self.assertRaises(fault_proxy.ProtocolError):
            fault_proxy.Framer().feed(b"Q\xff\xff\xff\xff")

    def test_the_seed_decides(self):
        def choices(seed):
            session = fault_proxy.Session(fault_proxy.Proxy(("", 0), seed), 7, None, None)
            return [session._random.random() for _ in range(3)]

        self.assertEqual(choices("a"), choices("a"))
        self.assertNotEqual(choices("a"), choices("b"))


if __name__ == "__main__":
    unittest.main()
