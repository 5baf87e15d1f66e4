"""A bar for what takes a while and does not say how far it is."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tqdm import tqdm

BEAT = 1.0  # seconds


@contextmanager
def wait_bar(what: str, seconds: int) -> Iterator[None]:
    """Show a bar that fills in about so many seconds, until the block ends.

    What counts its own steps has a bar of steps; this is for another program, or an alert to come.

    Parameters
    ----------
    what : what is waited for, in a few words, beside the bar
    seconds : how long it takes on a laptop; what takes longer leaves the bar full
    """
    over = threading.Event()
    form = "{desc}: |{bar}| {elapsed_s:.0f} of about {total} s"
    with tqdm(total=seconds, desc=what, bar_format=form, leave=False, file=sys.stdout) as bar:

        def tick() -> None:
            while not over.wait(BEAT):
                bar.n = min(bar.n + 1, bar.total)
                bar.refresh()  # the time goes on where the bar is full

        ticking = threading.Thread(target=tick, name=__name__, daemon=True)
        ticking.start()
        try:
            yield
        finally:
            over.set()
            ticking.join()
