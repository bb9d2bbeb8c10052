"""The line to a device, by pymodbus. An answer counts only when it carries the number, the function and the length of
the question; everything else that comes ends the line.
"""

import logging
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from mesgraph.edge.contract import Command, Link, LinkLost, Misconfigured, Refused, Sample, Tag, Written
from mesgraph.edge.polling import PollingDriver
from mesgraph_drivers.modbus.decode import BITS, Block, Point, blocks, point, registers, value

FRAME_MAX = 260
"""Bytes of the longest frame; when twice as many wait that make none, they are none."""
MEANINGS = {
    1: "the device does not know this function",
    2: "the device has no such address",
    3: "the device refuses this value or length",
    4: "the device failed",
    6: "the device is busy",
    10: "the gateway has no path to the device",
    11: "the device behind the gateway does not answer",
}

logging.getLogger("pymodbus").setLevel(logging.CRITICAL)  # the host says what became of the line, once


class Config(BaseModel):
    """What an instance may say. ``gap``: unused registers between two tags that are read along."""

    model_config = ConfigDict(extra="forbid")

    host: str = Field(min_length=1)
    port: int = Field(default=502, ge=1, le=65_535)
    unit: int = Field(default=1, ge=0, le=255)
    timeout_s: float = Field(default=2.0, gt=0, le=10)
    gap: int = Field(default=8, ge=0, le=100)
    registers_max: int = Field(default=125, ge=1, le=125)


class ModbusTcp(PollingDriver):
    """One connection to one device."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._config = link.parsed(Config)
        self.timeout_s = self._config.timeout_s * 3  # a beat may take several questions
        self._blocks: dict[tuple[Point, ...], list[Block]] = {}
        self._points: dict[str, Point] = {}
        self._asked: ModbusPDU | None = None
        self._client = AsyncModbusTcpClient(
            self._config.host,
            port=self._config.port,
            timeout=self._config.timeout_s,
            retries=0,
            reconnect_delay=0,
            trace_pdu=self._see,
            trace_packet=self._bound,
        )

    async def connect(self) -> None:
        """Open the line."""
        if not await self._client.connect():
            raise LinkLost(f"{self._config.host}:{self._config.port} takes no connection")

    async def close(self) -> None:
        """Close it."""
        self._client.close()

    async def ask(self, tags: Sequence[Tag]) -> list[Sample]:
        """Read the blocks that hold these tags."""
        named = [(tag, one) for tag in tags if (one := self._point(tag)) is not None]
        wanted = tuple(one for _, one in named)
        if wanted not in self._blocks:
            self._blocks[wanted] = blocks(wanted, self._config.gap, self._config.registers_max)
        self._blocks[wanted], held, refused = await self._read_all(self._blocks[wanted])
        samples = []
        for tag, one in named:
            if one in refused:
                code = refused[one]
                self.link.fault(tag, MEANINGS.get(code, f"the device answers with exception {code}"), code)
                continue
            try:
                samples.append(Sample(tag.path, _value(one, held[one])))
            except ValueError as error:
                self.link.fault(tag, f"no {one.type} stands there: {error}")
                continue
            self.link.mended(tag)
        return samples

    async def put(self, command: Command) -> Written:
        """Write, read back, and compare what stands in the registers."""
        try:
            to = point(command.tag.address)
            words = [int(command.value is True)] if to.table == "coil" else registers(to, command.value)
        except ValueError as error:
            raise Misconfigured(str(error)) from error
        unit = self._config.unit
        if to.table == "coil" and isinstance(command.value, bool):
            answer = await self._answer(self._client.write_coil(to.number, command.value, device_id=unit))
        elif to.table == "holding":
            answer = await self._answer(self._client.write_registers(to.number, words, device_id=unit))
        else:
            raise Misconfigured(f"{command.tag.address!r}: holding registers and coils (true, false) can be written")
        if answer.isError():
            raise Refused(MEANINGS.get(answer.exception_code, f"the device answers with {answer.exception_code}"))
        held = await self._question(Block((to,)))
        if held != words:
            raise Refused(f"{words} was written and confirmed, {held} is read back")
        return Written(_value(to, words))

    def _point(self, tag: Tag) -> Point | None:
        if tag.path not in self._points:
            try:
                self._points[tag.path] = point(tag.address)
            except ValueError as error:
                self.link.fault(tag, str(error))
                return None
        return self._points[tag.path]

    async def _read_all(self, asked: list[Block]) -> tuple[list[Block], dict[Point, list[int]], dict[Point, int]]:
        """Read blocks; one that is refused is parted until the points are found that the device does not have.

        Returns the blocks as they should be read the next time, what points hold, and what was refused.
        """
        again: list[Block] = []
        held: dict[Point, list[int]] = {}
        refused: dict[Point, int] = {}
        waiting = asked[::-1]
        while waiting:
            block = waiting.pop()
            answer = await self._question(block)
            if isinstance(answer, int):
                if len(block.points) > 1:
                    waiting += block.halves()[::-1]
                    continue
                refused[block.points[0]] = answer
            else:
                for one in block.points:
                    held[one] = answer[one.number - block.start : one.end - block.start]
            again.append(block)
        return again, held, refused

    async def _question(self, block: Block) -> list[int] | int:
        """Registers or bits of a block, or the code of the exception that the device answers with."""
        table, unit = block.points[0].table, self._config.unit
        read = {
            "coil": self._client.read_coils,
            "discrete": self._client.read_discrete_inputs,
            "input": self._client.read_input_registers,
            "holding": self._client.read_holding_registers,
        }[table]
        answer = await self._answer(read(block.start, count=block.count, device_id=unit))
        if answer.isError():
            return int(answer.exception_code)
        held = [int(bit) for bit in answer.bits] if table in BITS else list(answer.registers)
        length = -(-block.count // 8) * 8 if table in BITS else block.count
        if len(held) != length:
            raise LinkLost(f"{block.count} of {table} were asked for, {len(held)} came")
        return held[: block.count]

    async def _answer(self, asking: object) -> ModbusPDU:
        try:
            answer: ModbusPDU = await asking  # type: ignore[misc]  # a coroutine of the client
        except ModbusException as error:
            raise LinkLost(str(error)) from error
        asked = self._asked
        if asked is None or (answer.transaction_id, answer.dev_id) != (asked.transaction_id, asked.dev_id):
            raise LinkLost(f"an answer to question {answer.transaction_id} came, which was not asked")
        if answer.function_code & 0x7F != asked.function_code:
            raise LinkLost(f"an answer to function {answer.function_code} came, {asked.function_code} was asked")
        return answer

    def _see(self, sending: bool, pdu: ModbusPDU) -> ModbusPDU:
        if sending:
            self._asked = pdu
        return pdu

    def _bound(self, sending: bool, packet: bytes) -> bytes:
        if not sending and len(packet) > 2 * FRAME_MAX:
            self._client.close()  # this much without a frame in it: nothing that comes will be one
            return b""
        return packet


def _value(point: Point, held: list[int]) -> bool | float | int | str | None:
    return bool(held[0]) if point.table in BITS else value(point, held)
