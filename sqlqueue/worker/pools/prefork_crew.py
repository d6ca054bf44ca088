"""The children of a prefork pool and the line before them: who gets which job, and what a death means.

A quick child holds many jobs, so that tiny tasks cost few writes; a child in a long job holds none but that
one. Jobs that turn out to wait behind a long one are taken back (`Crew.level`) and go to whoever is free.

Not safe for threads; the pool's lock is held around every call. Next room: ``prefork_member``.
"""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from typing import TYPE_CHECKING

from sqlqueue.domain.outcome import Crashed, Outcome, Returned
from sqlqueue.worker.pools.pool import take_from
from sqlqueue.worker.pools.prefork_limits import enforce, until_next
from sqlqueue.worker.pools.prefork_member import Member
from sqlqueue.worker.pools.prefork_server import COULD_NOT_FORK

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from sqlqueue.domain.job import Job
    from sqlqueue.worker.limits import LimitBook
    from sqlqueue.worker.pools.prefork_server import ForkServer, News

logger = logging.getLogger("sqlqueue.worker")

STUCK = 0.05
UNEVEN = 0.005
"""Seconds in one job after which those behind it are taken back: at all, and when another child is idle."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds before a child is replaced that died without having started a job; doubled for each in a row."""
BUSY_PAUSE = 0.01
"""Seconds until a request is repeated that the fork server had no room for."""
DEATH = 1.0
"""Seconds that a killed child may take to be gone."""
REFUSED = 1.0
"""Seconds that a job waits which came to a pool without a fork server."""


class Crew:
    """Everybody who works.

    Parameters
    ----------
    size: how many; at most as many as the server's work has seats.
    arrived, left: are told of each new child and of each that is about to be closed.
    """

    def __init__(
        self, size: int, server: ForkServer, limits: LimitBook,
        arrived: Callable[[Member], None], left: Callable[[Member], None],
    ) -> None:  # fmt: skip
        self.line: deque[Job] = deque()
        self.done: list[tuple[Job, Outcome]] = []
        self.members: dict[int, Member] = {}
        self.lost_server = False
        self._seats = server.work.board.seats
        self._server = server
        self._max_tasks = server.work.max_tasks
        self._size = size
        self._limits = limits
        self._arrived = arrived
        self._left = left
        self._vacant = dict.fromkeys(range(size), 0.0)  # place -> the moment from which it may be filled
        self._lost = [0] * len(self._seats)
        self._keys = 0
        self._closing = False
        self._killing = False

    # --- jobs ---

    def deal(self, now: float) -> None:
        """Send jobs from the line to children with room, evenly, in turn."""
        if not self.line or self._closing:
            return
        rooms = [(len(m.jobs), self._room(m, now), m) for m in self.members.values()]
        hands = _level([hand for hand in rooms if hand[1] > 0], len(self.line))
        for member, jobs in _in_turn(hands, self.line):
            member.send(jobs, now)

    def _room(self, member: Member, now: float) -> int:
        room = 0 if member.leaving else member.room(now, STUCK)
        if self._max_tasks is None or not room:
            return room
        return min(room, self._max_tasks - member.finished - len(member.jobs))

    def hear(self, member: Member, now: float) -> None:
        """Take the outcomes of one child."""
        self.done += member.hear(now)

    def level(self, now: float) -> None:
        """Take back what waits behind a long job, read what a child in one has not sent; end what runs too long."""
        if self._limits.some:
            enforce(self._limits, self.members.values(), now)
        idle = not self.line and any(m.ready and not m.jobs and not m.leaving for m in self.members.values())
        for member in self.members.values():
            if not member.waiting:
                continue
            busy = member.busy(now)
            if busy >= STUCK:
                self.done += member.peek()
                member.window = 1  # one at a time, until its jobs are quick again
            if busy >= (UNEVEN if idle else STUCK):
                self.line.extendleft(reversed(member.take()))

    def take_back(self, ids: Collection[str] | None = None) -> list[Job]:
        """Take back what has not started, all or these; what lay in a pipe with these goes to the line."""
        for member in self.members.values():
            if ids is None or any(job.id in ids for job in member.jobs.values()):
                self.line.extendleft(reversed(member.take()))
        return take_from(self.line, ids)

    def refuse(self) -> None:
        """Give the line up: nobody will ever run it."""
        self.done += [(job, Returned(REFUSED, "the fork server of this worker is gone")) for job in self.line]
        self.line.clear()

    def rest(self, now: float) -> float | None:
        """How long nobody needs to look after the crew; None: until something is heard."""
        rests = []
        if not self._closing:
            rests = [max(not_before - now, 0.0) for not_before in self._vacant.values()]
        if any(member.waiting for member in self.members.values()):
            idle = any(member.ready and not member.jobs for member in self.members.values())
            rests.append(UNEVEN if idle else STUCK)
        if self._limits.some and (left := until_next(self._limits, self.members.values(), now)) < float("inf"):
            rests.append(left)
        return min(rests, default=None)

    def end(self, id_: str, outcome: Outcome, now: float, by: int) -> bool:
        """Send a signal to the child that runs this job, which ends with ``outcome``; tell whether there is one."""
        for member in self.members.values():
            number = member.seat.number
            job = member.jobs.get(number)
            if job is not None and job.id == id_:
                return member.end(number, outcome, now, by)
        return False

    # --- children ---

    def hire(self, now: float) -> None:
        """Ask for a child for every empty seat whose pause is over."""
        if self._closing:
            return
        for place, not_before in list(self._vacant.items()):
            if not_before <= now:
                self._ask(place, now)

    def _ask(self, place: int, now: float) -> None:
        self._keys += 1
        self._seats[place].clear()
        try:
            member = Member(self._keys, place, self._seats[place])
        except OSError as error:
            logger.error("no pipes for a child: %s (will try again)", error)  # noqa: TRY400 - the message says it all
            self._vacant[place] = now + FIRST_PAUSE
            return
        try:
            self._server.fork(member.key, place, member.handed_over)
        except OSError:  # the server is behind, or gone: then its news says so
            member.close()
            self._vacant[place] = now + BUSY_PAUSE
            return
        member.forked()
        del self._vacant[place]
        self.members[member.key] = member
        self._arrived(member)

    def learn(self, news: News, now: float) -> None:
        """Take note of a birth or a death."""
        member = self.members.get(news.key)
        if member is None:
            return
        if news.status is not None:
            self._bury(member, _reason(news.status), now)
            return
        member.pid = news.pid
        if self._killing:
            member.kill()

    def _bury(self, member: Member, reason: str, now: float) -> None:
        """Settle a dead child's affairs: what it finished, what it died in, what it had not begun."""
        self.done += member.last_words()
        victim = member.was_running()
        if victim is not None and self._killing:
            self.line.appendleft(victim)
        elif victim is not None:
            self.done.append((victim, member.sentence or Crashed(reason)))
        self.line.extendleft(reversed(member.jobs.values()))
        worked = victim is not None or member.finished > 0
        if not self._closing and member.sentence is None and (victim is not None or not worked):
            logger.warning("child %d %s%s", member.pid, reason, f" in {victim.task}[{victim.id}]" if victim else "")
        self._left(member)
        member.close()
        self._seats[member.place].clear()
        del self.members[member.key]
        if sum(not one.leaving for one in self.members.values()) + len(self._vacant) >= self._size:
            return  # there are too many
        lost = self._lost[member.place] = 0 if worked else self._lost[member.place] + 1
        pause = min(FIRST_PAUSE * 2.0 ** (lost - 1), LONGEST_PAUSE) if lost else 0.0
        self._vacant[member.place] = now + pause

    def resize(self, size: int, *, anew: bool = False) -> None:
        """Be so many: the new ones are asked for at the next `hire`, the surplus end after their present jobs.

        Parameters
        ----------
        anew: all end so, and new ones take their places, or other seats as long as there are any.
        """
        self._size = size
        if anew:
            self._dismiss([member for member in self.members.values() if not member.leaving])
        staying = [member for member in self.members.values() if not member.leaving]
        taken = {member.place for member in self.members.values()} | self._vacant.keys()
        free = [place for place in range(len(self._seats)) if place not in taken]
        missing = size - len(staying) - len(self._vacant)
        self._vacant.update(dict.fromkeys(free[: max(missing, 0)], 0.0))
        for place in list(self._vacant)[: max(-missing, 0)]:
            del self._vacant[place]
        surplus = max(len(staying) - size, 0)
        self._dismiss(sorted(staying, key=lambda member: len(member.jobs))[:surplus])

    def _dismiss(self, members: Iterable[Member]) -> None:
        for member in members:
            self.line.extendleft(reversed(member.take()))
            member.dismiss()

    def close(self) -> None:
        """Let everybody end after the present job; what has not started goes back to the line."""
        if self._closing:
            return
        self.line.extendleft(reversed([job for member in self.members.values() for job in member.take()]))
        self._closing = True
        for member in self.members.values():
            member.dismiss()

    def kill(self) -> None:
        """Kill everybody; the jobs of the dead go back to the line, the running ones too."""
        self.close()
        self._killing = True
        for member in self.members.values():
            member.kill()

    @property
    def over(self) -> bool:
        """Whether nobody is left and nobody will come."""
        return self._closing and not self.members

    def lose_server(self, now: float) -> None:
        """Go on without a fork server, that is: not at all."""
        logger.critical("the fork server is gone; this worker cannot run jobs any more and must be restarted")
        self.lost_server = True
        for member in self.members.values():
            member.kill()
        for member in list(self.members.values()):
            member.wait_for_end(DEATH)
            self._bury(member, "lost with the fork server", now)
        self._closing = True


def _level(hands: list[tuple[int, int, Member]], waiting: int) -> list[tuple[int, Member]]:
    """Say how many each may get so that all hold about the same, the emptiest first."""
    if not hands:
        return []
    share = -(-(sum(held for held, _, _ in hands) + waiting) // len(hands))
    hands.sort(key=lambda hand: hand[0])
    return [(min(room, share - held), member) for held, room, member in hands if share > held]


def _in_turn(hands: list[tuple[int, Member]], line: deque[Job]) -> Iterator[tuple[Member, list[Job]]]:
    """Deal the line round: the first job to the first, the second to the second."""
    given: list[list[Job]] = [[] for _ in hands]
    open_ = [(room, jobs) for (room, _), jobs in zip(hands, given, strict=True)]
    while line and open_:
        for _, jobs in open_:
            if not line:
                break
            jobs.append(line.popleft())
        open_ = [(room, jobs) for room, jobs in open_ if len(jobs) < room]
    return ((member, jobs) for (_, member), jobs in zip(hands, given, strict=True) if jobs)


def _reason(status: int) -> str:
    if status == COULD_NOT_FORK:
        return "could not be forked"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exited with status {os.waitstatus_to_exitcode(status)}"
