"""A day from the first command to the last, and what is told of it."""

from collections.abc import Callable

from lmops.ship import afternoon, evening, front, morning
from lmops.ship.day import Day, Over, Told
from lmops.ship.recording import recorded
from lmops.ship.users import Users


def live(day: Day) -> list[Told]:
    """Live through the day, and return what its chapters tell.

    Where somebody's gate or decision stops the day the last chapter says so.
    """
    told: list[Told] = []
    users = Users(day.home, afternoon.prompts())
    place: front.Front
    chapters: list[Callable[[], Told]] = [
        lambda: morning.pack(day),
        lambda: morning.train(day),
        lambda: morning.gate(day),
        lambda: morning.register(day),
    ]
    if no_proxy := front.missing():
        place = front.Alone(day)
        chapters += [
            lambda: _without(day, place, users, no_proxy),
            lambda: recorded("10:30", no_proxy),
            lambda: recorded("11:30", no_proxy),
        ]
    else:
        place = behind = front.Behind(day)
        chapters += [
            lambda: morning.release(day, behind, users),
            lambda: morning.bad_canary(day, behind, users),
            lambda: morning.good_canary(day, behind, users),
        ]
    if no_alert := no_proxy or afternoon.missing():
        chapters.append(lambda: recorded("13:00", no_alert))
    else:
        chapters.append(lambda: afternoon.alert(day, place, users))
    chapters += [
        lambda: afternoon.drift(day, users),
        lambda: afternoon.retrain(day, place, users),
        lambda: evening.erase(day, place, users),
        lambda: evening.retire(day, users),
        lambda: evening.audit(day),
    ]
    try:
        with users:
            for chapter in chapters:
                day.commands.clear()
                told.append(chapter())
                if not told[-1].missing:
                    told[-1].commands = list(day.commands)
                day.tell(f"{told[-1].hour}  {told[-1].title}: {told[-1].outcome}")
    except Over as error:
        hour = told[-1].hour if told else "08:00"
        over = Told(hour, "The day ends here", "stopped", good=False, lines=[str(error)])
        over.commands = list(day.commands)
        told.append(over)
    finally:
        place.stop()
    return told


def _without(day: Day, place: front.Front, users: Users, missing: str) -> Told:
    """Serve what the good canary would have brought, without HAProxy; tell how it is with it."""
    place.release(morning.half(day))
    users.port = place.port
    return recorded("09:30", missing)
