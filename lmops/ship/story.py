"""A day from the first command to the last, and what is told of it."""

from collections.abc import Callable

from lmops.ship import afternoon, evening, morning
from lmops.ship.day import Day, Over, Told
from lmops.ship.front import Front
from lmops.ship.users import Users


def live(day: Day) -> list[Told]:
    """Live through the day, and return what its chapters tell.

    Where somebody's gate or decision stops the day the last chapter says so.
    """
    told: list[Told] = []
    front = Front(day)
    users = Users(day.home, afternoon.prompts())
    chapters: list[Callable[[], Told]] = [
        lambda: morning.pack(day),
        lambda: morning.train(day),
        lambda: morning.gate(day),
        lambda: morning.register(day),
        lambda: morning.release(day, front, users),
        lambda: morning.bad_canary(day, front, users),
        lambda: morning.good_canary(day, front, users),
        lambda: afternoon.alert(day, front, users),
        lambda: afternoon.drift(day, users),
        lambda: afternoon.retrain(day, front, users),
        lambda: evening.erase(day, front, users),
        lambda: evening.retire(day, users),
        lambda: evening.audit(day),
    ]
    try:
        with users:
            for chapter in chapters:
                day.commands.clear()
                told.append(chapter())
                told[-1].commands = list(day.commands)
                day.tell(f"{told[-1].hour}  {told[-1].title}: {told[-1].outcome}")
    except Over as error:
        hour = told[-1].hour if told else "08:00"
        over = Told(hour, "The day ends here", "stopped", good=False, lines=[str(error)])
        over.commands = list(day.commands)
        told.append(over)
    finally:
        front.stop()
    return told
