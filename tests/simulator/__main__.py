# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the simulated cloud: ``python -m simulator``."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import signal
import ssl
import sys
from collections.abc import Iterable

from aiohttp import web

from . import faults, settings
from .server import Server, read_config


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulator", description="A stand-in for Huawei Cloud DCS, IAM projects and ECS metadata.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    parser.add_argument("--port-file", type=pathlib.Path, help="write the port to this file instead of a JSON line to the standard output")
    parser.add_argument("--config", type=pathlib.Path, help="JSON file with settings, projects, accounts, instances and faults")
    parser.add_argument("--schedule", metavar="INSTANCE_ID", action="append", default=[], help="begin with a pending resize on this instance; may be repeated")
    parser.add_argument("--tls-cert", type=pathlib.Path, help="certificate chain (PEM): serve HTTPS")
    parser.add_argument("--tls-key", type=pathlib.Path, help="private key (PEM) of the certificate")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the standard input ends, that is, with the parent process")
    parser.add_argument("--list-faults", action="store_true", help="print the faults as a Markdown table and exit")
    parser.add_argument("--list-settings", action="store_true", help="print the settings as a Markdown table and exit")
    return parser.parse_args()


def _table(*titles: str, rows: Iterable[tuple[str, ...]]) -> str:
    """The rows as a Markdown table, as in README.md."""
    lines = [titles, ("---",) * len(titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _stop_at_end(descriptor: int, stop: asyncio.Event) -> None:
    if not os.read(descriptor, 4096):
        stop.set()


async def _run(arguments: argparse.Namespace, server: Server) -> None:
    context = None
    if arguments.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(arguments.tls_cert, arguments.tls_key)
    runner = web.ServerRunner(web.Server(server.handle, access_log=None, keepalive_timeout=600, tcp_keepalive=False))
    await runner.setup()
    site = web.TCPSite(runner, arguments.host, arguments.port, ssl_context=context, shutdown_timeout=0.1, backlog=1024)
    await site.start()
    port = runner.addresses[0][1]

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if arguments.until_stdin_closes:
        loop.add_reader(sys.stdin.fileno(), _stop_at_end, sys.stdin.fileno(), stop)

    if arguments.port_file:
        # written under another name first, so that no one reads an incomplete file
        draft = arguments.port_file.with_name(arguments.port_file.name + ".draft")
        draft.write_text(f"{port}\n", encoding="ascii")
        draft.replace(arguments.port_file)
    else:
        print(json.dumps({"endpoint": f"{'https' if context else 'http'}://{arguments.host}:{port}"}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Run the simulator until it is stopped, or print a table."""
    arguments = _arguments()
    if arguments.list_faults:
        print(_table("fault", "effect", "parameters", "what happens", rows=faults.describe()))
    elif arguments.list_settings:
        print(_table("setting", "default", "meaning", rows=settings.describe()))
    else:
        try:
            server = Server(read_config(arguments.config.read_text(encoding="utf-8")) if arguments.config else {})
        except (LookupError, TypeError, ValueError) as error:
            sys.exit(f"{arguments.config}: {error}")
        cloud = server.world.cloud
        for instance_id in arguments.schedule:
            cloud.schedule(cloud.add_instance(instance_id))
        asyncio.run(_run(arguments, server))


if __name__ == "__main__":
    main()
