#!/usr/bin/env python3
"""What a Service without an ingress before it is for replicas: one address, whose connections go to who is ready.

    tcp_switch.py --endpoints FILE [--period-ms 200]

FILE is that of ready_endpoints.py; the replicas get new connections in turn, and keep those that they have, whatever
/ready says. A replica that cannot be reached, or no replica at all, ends the connection, with a line on stderr. Prints
its port.
"""
import argparse
import asyncio
import pathlib
import sys
import threading
import time

import ready_endpoints

_CHUNK = 65536


async def copy(reader, writer):
    """Until the one side ends, which the other side is told."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:  # one of them is gone altogether
        writer.close()


async def connected(endpoints, client_reader, client_writer):
    port = endpoints.next()
    try:
        if port is None:
            raise ConnectionError("nobody is ready")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as e:
        print(f"{time.time():.3f} {port}: {e!r}", file=sys.stderr, flush=True)
        client_writer.close()
        return
    await asyncio.gather(copy(client_reader, writer), copy(reader, client_writer))
    writer.close()
    client_writer.close()


async def serve(endpoints):
    server = await asyncio.start_server(lambda r, w: connected(endpoints, r, w), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--endpoints", type=pathlib.Path, required=True)
    arguments.add_argument("--period-ms", type=float, default=200)
    options = arguments.parse_args()
    endpoints = ready_endpoints.Endpoints(options.endpoints, options.period_ms / 1000)
    threading.Thread(target=endpoints.watch, daemon=True).start()
    asyncio.run(serve(endpoints))


main()
