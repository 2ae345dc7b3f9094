#!/usr/bin/env python3
"""A TCP proxy in front of PostgreSQL that makes bad weather.

    fault_proxy.py --server HOST:PORT --seed N

Prints {"port", "control"}: where clients connect, and where orders are taken, a JSON object per line, each answered by
one with the counts so far:

    {}                    nothing but the counts
    {"weather": {...}}    from now on; what is not named stays as it is (see Weather)
    {"half_open": true}   every connection of this moment goes silent
    {"cut": true}         every connection of this moment ends

It understands as much of the protocol (version 3) as it takes to know when a transaction was committed: the framing of
messages, the texts of statements, and the state that ReadyForQuery reports. TLS is refused. Choices come from the seed,
the number of the connection and what passes through it.
"""
import argparse
import asyncio
import collections
import dataclasses
import json
import random
import re
import signal
import struct

_CANCEL_REQUEST, _SSL_REQUEST, _GSS_REQUEST = 80877102, 80877103, 80877104
_LONGEST_STARTUP = 10_000  # as the server has it
_LONGEST_MESSAGE = 256 << 20


@dataclasses.dataclass
class Weather:
    """Chances are per portion of bytes that passes, or per statement where it says so."""

    delay: float = 0
    delay_ms: float = 200  # at most
    cut: float = 0  # anywhere, also within a message
    half_open: float = 0
    half_open_ms: float = 10_000  # silence until both sides are closed
    drop_after_commit: float = 0  # per COMMIT: it is done, its answer is lost with the connection
    drop_after_statement: float = 0  # the same per statement outside of a transaction


class ProtocolError(Exception):
    pass


class Framer:
    """Cuts a stream into messages: a letter, a length that counts itself, the body."""

    def __init__(self):
        self._rest = bytearray()

    def feed(self, data):
        """The messages that are complete now, as (kind, raw bytes)."""
        self._rest += data
        out, at = [], 0
        while len(self._rest) - at >= 5:
            length = struct.unpack_from("!I", self._rest, at + 1)[0]
            if not 4 <= length <= _LONGEST_MESSAGE:
                raise ProtocolError(f"a message of {length} bytes")
            if len(self._rest) - at < 1 + length:
                break
            out.append((chr(self._rest[at]), bytes(self._rest[at : at + 1 + length])))
            at += 1 + length
        del self._rest[:at]
        return out


class Statements:
    """What a session is about to commit, from its messages in both directions."""

    _COMMIT = re.compile(r"\s*(commit|end)\b", re.I)
    _BEGIN = re.compile(r"\s*(begin|start)\b", re.I)

    def __init__(self):
        self._idle = True  # outside of a transaction
        self._prepared = {}
        self._portals = {}
        self._executing = None

    def sent(self, kind, raw):
        """`commit` or `statement` when this message makes the server commit, else None."""
        if kind == "Q":
            return self._effect(_text(raw, 5)[0])
        if kind == "P":
            name, end = _text(raw, 5)
            self._prepared[name] = _text(raw, end)[0]
        elif kind == "B":
            portal, end = _text(raw, 5)
            self._portals[portal] = self._prepared.get(_text(raw, end)[0], "")
        elif kind == "E":
            self._executing = self._portals.get(_text(raw, 5)[0], "")
        elif kind == "S" and self._executing is not None:
            text, self._executing = self._executing, None
            return self._effect(text)
        return None

    def _effect(self, text):
        if self._COMMIT.match(text):
            return "commit"
        return "statement" if self._idle and not self._BEGIN.match(text) else None

    def received(self, kind, raw):
        if kind == "Z":
            self._idle = raw[5:6] == b"I"


def _text(raw, start):
    """A zero-terminated text, and where the next thing begins."""
    end = raw.index(b"\0", start)
    return raw[start:end].decode("utf-8", "replace"), end + 1


class Session:
    """One client and its connection to the server."""

    def __init__(self, proxy, number, client_reader, client):
        self._proxy = proxy
        self._random = random.Random(f"{proxy.seed}:{number}")
        self._client_reader, self._client = client_reader, client
        self._server = None
        self._statements = Statements()
        self._silent = False
        self._dropping = None  # the effect whose answer the client will not get
        self._succeeded = False

    async def run(self, address):
        startup = await self._startup()
        server_reader, self._server = await asyncio.open_connection(*address)
        self._server.write(startup)
        if struct.unpack_from("!I", startup, 4)[0] == _CANCEL_REQUEST:
            await self._server.drain()
            return
        pumps = [
            asyncio.create_task(self._pump(self._client_reader, self._server, self._from_client)),
            asyncio.create_task(self._pump(server_reader, self._client, self._from_server)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            ends = await asyncio.gather(*pumps, return_exceptions=True)
            if any(isinstance(end, (ProtocolError, ValueError)) for end in ends):
                self._proxy.count("protocol_errors")

    async def _startup(self):
        while True:
            head = await self._client_reader.readexactly(8)
            length, code = struct.unpack("!II", head)
            if not 8 <= length <= _LONGEST_STARTUP:
                raise ProtocolError(f"a startup packet of {length} bytes")
            if code not in (_SSL_REQUEST, _GSS_REQUEST):
                return head + await self._client_reader.readexactly(length - 8)
            self._client.write(b"N")

    async def _pump(self, source, sink, pass_on):
        framer = Framer()
        while data := await source.read(1 << 16):
            if messages := framer.feed(data):
                await self._weather(sink, messages)
                if not pass_on(messages):
                    return
                await sink.drain()

    async def _weather(self, sink, messages):
        """Raises CancelledError where the session ends here."""
        weather, dice = self._proxy.weather, self._random
        if dice.random() < weather.delay:
            self._proxy.count("delays")
            await asyncio.sleep(dice.uniform(0, weather.delay_ms) / 1000)
        if dice.random() < weather.cut:
            self._proxy.count("cuts")
            whole = b"".join(raw for _, raw in messages)
            sink.write(whole[: dice.randrange(len(whole) + 1)])
            await sink.drain()
            raise asyncio.CancelledError
        if dice.random() < weather.half_open:
            self.fall_silent()
        if self._silent:
            await asyncio.Event().wait()

    def fall_silent(self):
        if self._silent:
            return
        self._silent = True
        self._proxy.count("half_opens")
        asyncio.get_running_loop().call_later(self._proxy.weather.half_open_ms / 1000, self.close)

    def _from_client(self, messages):
        for kind, raw in messages:
            effect = self._statements.sent(kind, raw)
            if effect and self._random.random() < getattr(self._proxy.weather, f"drop_after_{effect}"):
                self._dropping = effect
            self._server.write(raw)
        return True

    def _from_server(self, messages):
        for kind, raw in messages:
            self._statements.received(kind, raw)
            if not self._dropping:
                self._client.write(raw)
            elif kind == "C":
                self._succeeded = raw[5:] != b"ROLLBACK\0"
            elif kind == "Z":
                self._proxy.count(f"drops_after_{self._dropping}" if self._succeeded else "drops_after_failure")
                return False
        return True

    def close(self):
        for side in (self._client, self._server):
            if side:
                side.transport.abort()


class Proxy:
    def __init__(self, address, seed):
        self.seed = seed
        self.weather = Weather()
        self._address = address
        self._counts = collections.Counter()
        self._sessions = set()

    def count(self, what):
        self._counts[what] += 1

    async def serve_client(self, reader, writer):
        self.count("connections")
        session = Session(self, self._counts["connections"], reader, writer)
        self._sessions.add(session)
        try:
            await session.run(self._address)
        except (OSError, asyncio.IncompleteReadError, ProtocolError):
            pass  # one of the two sides is gone, or is no PostgreSQL client
        finally:
            session.close()
            self._sessions.discard(session)

    async def take_orders(self, reader, writer):
        while line := await reader.readline():
            order = json.loads(line)
            self.weather = dataclasses.replace(self.weather, **order.get("weather", {}))
            for session in list(self._sessions):
                if order.get("half_open"):
                    session.fall_silent()
                if order.get("cut"):
                    session.close()
            writer.write(json.dumps(self._counts).encode() + b"\n")
            await writer.drain()
        writer.close()


async def start(address, seed):
    """(proxy, server for clients, server for orders)"""
    proxy = Proxy(address, seed)
    clients = await asyncio.start_server(proxy.serve_client, "127.0.0.1", 0, backlog=512)
    orders = await asyncio.start_server(proxy.take_orders, "127.0.0.1", 0)
    return proxy, clients, orders


def port_of(server):
    return server.sockets[0].getsockname()[1]


async def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", required=True)
    arguments.add_argument("--seed", required=True)
    options = arguments.parse_args()
    host, port = options.server.rsplit(":", 1)
    _, clients, orders = await start((host, int(port)), options.seed)
    print(json.dumps({"port": port_of(clients), "control": port_of(orders)}), flush=True)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
