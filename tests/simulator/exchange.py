# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One request and its connection, as faults need them."""

from __future__ import annotations

import asyncio
import socket
import struct
import time

from .answers import Answer, Refusal, error
from .api import Call
from .authentication import Gatekeeper
from .settings import Settings


class Exchange:
    """One request with its connection, on which faults operate."""

    def __init__(self, call: Call, transport: asyncio.Transport, gatekeeper: Gatekeeper, settings: Settings, access_key: str | None) -> None:
        self._call = call
        self._transport = transport
        self._gatekeeper = gatekeeper
        self._settings = settings
        self.kind = call.kind
        self.instance_id = call.instance_id
        self.access_key = access_key
        """The access key of the request."""

    def refuse(self, refusal: Refusal) -> Answer:
        """The error response for a refusal, in the format according to the settings."""
        return error(refusal, self._call.request_id, self._settings)

    def failed_authentication(self) -> None:
        """Count this request as a failed authentication."""
        if self.access_key is not None:
            self._gatekeeper.count_failure(self.access_key)

    async def send(self, data: bytes) -> bool:
        """Write bytes to the connection. Return False if the peer has closed it."""
        while not self._transport.is_closing() and self._transport.get_write_buffer_size() > 2**20:
            await asyncio.sleep(0.001)
        if self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    async def send_last(self, data: bytes) -> None:
        """Send bytes and the end of the connection together, so that a peer that has read the bytes can see that nothing will follow.

        If they were sent one after the other, a request could arrive in between on a busy machine.
        """
        if hasattr(socket, "TCP_CORK"):
            self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        if await self.send(data):
            self._transport.write_eof()

    async def peer_gone(self, seconds: float) -> None:
        """Wait until the peer has closed the connection, but no longer than this number of seconds."""
        end = time.monotonic() + seconds
        while not self._transport.is_closing() and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def reset(self) -> None:
        """Reset the connection."""
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
