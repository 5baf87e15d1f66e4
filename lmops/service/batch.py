"""One model and the texts that it writes, a character each at every step.

This is continuous batching (Yu and others, 2022, *Orca*): a request joins between two steps, as
soon as a slot is free, and leaves its slot when it has ended, whatever the others do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from lmops.service.gpt import FEWEST_ROWS, Decoder
from lmops.service.sampling import Sampler, Sampling

if TYPE_CHECKING:
    from lmops.bundle import Bundle

READ_AT_ONCE = 512  # characters of new texts in one step, so that the others do not stall


@dataclass(eq=False)
class Row:
    """A text that is being written."""

    window: list[int]  # what the model may see, as in lesson 07's `generate_cached`
    left: int  # characters to write
    sampling: Sampling
    written: Callable[[int], None]  # told each character
    ended: Callable[[Exception | None], None]  # told the end, with the error if there was one
    unread: bool = field(default=True)  # the window has to be read from its start


class Batch:
    """A model, `slots` texts that it writes, and those that wait for a slot."""

    def __init__(self, bundle: Bundle, slots: int) -> None:
        self.bundle = bundle
        self.slots = slots
        self.decoder = Decoder(bundle.weights, bundle.config, slots)
        self.rows: dict[int, Row] = {}  # by slot
        self.free = list(range(slots - 1, -1, -1))  # the lowest is taken first
        self.waiting: dict[Row, None] = {}  # in the order of their coming
        rows = max(slots, FEWEST_ROWS)
        self.sampler = Sampler(rows, self.decoder.vocab_size)
        self.ids = torch.zeros(rows, dtype=torch.int64)  # the last character of each slot's text
        self.places = torch.zeros(rows, dtype=torch.int64)  # and where it stands in the window
        self.writing = torch.zeros(rows, dtype=torch.int64)  # 1 where there is a text, 0 elsewhere

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self.rows or self.waiting)

    def join(self, row: Row) -> None:
        """Have the text written, as soon as there is a slot."""
        self.waiting[row] = None

    def leave(self, row: Row) -> None:
        """Forget the text, wherever it is; its slot is free for the next step."""
        self.waiting.pop(row, None)
        for slot, other in self.rows.items():
            if other is row:
                self._clear(slot)
                return

    def fail(self, error: Exception) -> None:
        """End all texts that have a slot with the error; those that wait go on waiting."""
        for slot, row in list(self.rows.items()):
            self._clear(slot)
            row.ended(error)

    @torch.inference_mode()
    def step(self) -> None:
        """Write one more character of each text that has a slot, but for those to be read later."""
        self._admit()
        now = self._to_read()
        writing = {slot for slot, row in self.rows.items() if not row.unread}
        if not writing and not now:
            return
        n = max(max(self.rows) + 1, FEWEST_ROWS)
        if writing:
            logits = self.decoder.step(self.ids[:n], self.places[:n])
        else:
            logits = torch.zeros(n, self.decoder.vocab_size)
        if now:
            logits[now] = self.decoder.read(now, [self.rows[slot].window for slot in now])
        drawn = writing.union(now)
        characters = self.sampler.draw(logits, drawn)
        self.ids[:n] = torch.tensor(characters)
        self.places += self.writing
        for slot in now:
            row = self.rows[slot]
            row.unread = False
            self.places[slot], self.writing[slot] = len(row.window), 1
        context = self.decoder.context
        for slot in drawn:
            row = self.rows[slot]
            row.window.append(characters[slot])
            row.left -= 1
            row.written(characters[slot])
            if not row.left:
                self._clear(slot)
                row.ended(None)
            elif len(row.window) > context:
                self._cut(slot)

    def _admit(self) -> None:
        """Give free slots to those who wait."""
        while self.waiting and self.free:
            row = next(iter(self.waiting))
            del self.waiting[row]
            slot = self.free.pop()
            self.rows[slot] = row
            self.sampler.join(slot, row.sampling)
            if len(row.window) > self.decoder.context:
                self._cut(slot)

    def _to_read(self) -> list[int]:
        """Return the slots whose windows are read in this step, the longest there first."""
        slots: list[int] = []
        characters = 0
        for slot, row in self.rows.items():
            if row.unread:
                characters += len(row.window)
                if slots and characters > READ_AT_ONCE:
                    break
                slots.append(slot)
        return slots

    def _cut(self, slot: int) -> None:
        """Forget the older part of a window that has become too long: all places change."""
        row = self.rows[slot]
        row.window = row.window[-(self.decoder.context // 2) :]
        row.unread = True
        self.places[slot] = self.writing[slot] = 0

    def _clear(self, slot: int) -> None:
        """Free a slot."""
        del self.rows[slot]
        self.sampler.leave(slot)
        self.places[slot] = self.writing[slot] = 0
        self.free.append(slot)
        self.free.sort(reverse=True)
