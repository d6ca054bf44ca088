"""Two workers and one job in every order of events: who is believed when he says what became of it?

The worker's side is a small model: what it remembers, what it has sent, and what a dead connection may still execute.
The table's side is not: each step is answered by the real statement on a real table (`fence_tables`), once for each
row and step, and the answer is used wherever that row occurs again.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple, Protocol

MOST_CLAIMS = 3
MOST_CRASHES = 1
FINAL = ("succeeded", "failed", "revoked")
OUTCOMES = ("succeed", "fail", "again", "back")
"""What a worker may say of its job: it is over, in two ways; it is to run again; it was not started."""


class Row(NamedTuple):
    """What the tables say of the job."""

    state: str
    token: int
    worker: str | None
    revoked: bool = False


class Table(Protocol):
    """The tables, or what is remembered of them."""

    def do(self, row: Row, verb: str, worker: str, token: int) -> tuple[Row, bool]:
        """Execute a verb on tables that hold this row; return the row after it and whether anything was accepted."""


class Claim(NamedTuple):
    """One claim as a worker remembers it; ``number`` is known to the model alone, and never the same twice."""

    number: int
    token: int
    phase: str  # claimed, running, or an outcome that is to be settled


class Letter(NamedTuple):
    """A settlement on a connection that broke: the server may still execute it, or never."""

    kind: str
    worker: str
    token: int
    number: int


class World(NamedTuple):
    """One moment.

    ``disk`` is what a crash of the server goes back to, ``number`` is the row's claim, ``forgotten`` the claim that a
    crash undid.
    """

    row: Row
    number: int = 0
    disk: tuple[Row, int] = (Row("ready", 0, None), 0)
    minds: tuple[Claim | None, Claim | None] = (None, None)
    lives: tuple[int, int] = (0, 0)
    letter: Letter | None = None
    claims: int = 0
    crashes: int = 0
    forgotten: int = 0
    starts: int = 0
    retries: int = 0
    revokes: int = 0


Step = tuple[str, World, str | None]


class Story(NamedTuple):
    """What was found: how many moments there are, and the shortest way to something that must not be."""

    moments: int
    complaint: str | None
    way: list[str]


class Model:
    """The moves of two workers, a leader, an operator and a server that may crash.

    Parameters
    ----------
    at_most_once: the job may start once only.
    flush_first: whether such a job waits until its claim is on disk, as it must.
    claims: how many there may be at most; with one less it is five times quicker.
    operator: whether somebody may revoke the job once, and retry it once when it has failed or is revoked.
    """

    def __init__(
        self,
        table: Table,
        *,
        at_most_once: bool = False,
        flush_first: bool = True,
        claims: int = MOST_CLAIMS,
        operator: bool = False,
    ) -> None:
        self._table = table
        self._at_most_once = at_most_once
        self._flush_first = flush_first
        self._claims_left = claims
        self._operator = operator

    def explore(self) -> Story:
        """Walk through every moment; stop at the first that must not be."""
        came_from: dict[World, tuple[World, str] | None] = {World(Row("ready", 0, None)): None}
        leads_to: dict[World, list[World]] = {}
        todo = deque(came_from)
        while todo:
            world = todo.popleft()
            followers = leads_to[world] = []
            for label, after, complaint in self._steps(world):
                if after not in came_from:
                    came_from[after] = (world, label)
                    todo.append(after)
                followers.append(after)
                if complaint or (after.row.revoked and after.row.state == "ready"):
                    what = complaint or "a revoked job waits for a worker again"
                    return Story(len(came_from), what, [*_way_to(world, came_from), label])
        for world in _stranded(leads_to, self._claims_left):
            return Story(len(came_from), "the job is lost: nothing ends it any more", _way_to(world, came_from))
        return Story(len(came_from), None, [])

    def _steps(self, world: World) -> Iterator[Step]:
        if world.row.state in FINAL and not self._may_be_retried(world):
            yield from self._is_over(world)
            return
        for who in (0, 1):
            mind = world.minds[who]
            yield from self._claims(world, who, mind)
            yield from self._works(world, who, mind)
            yield from self._recovers(world, who, mind)
        yield from self._post_arrives(world)
        for who in (0, 1):
            for life in range(world.lives[who] + 1):
                yield from self._rescue(world, _name(who, life))
        if world.disk != (world.row, world.number):
            yield "the disk catches up", world._replace(disk=(world.row, world.number)), None
        if world.crashes < MOST_CRASHES:
            yield "the server crashes", _crashed(world), None
        if self._operator and not world.revokes and world.row.state in ("ready", "running"):
            row, accepted = self._table.do(world.row, "revoke", "", 0)
            yield (
                "an operator revokes",
                _durably(world, row)._replace(revokes=1),
                None if accepted else "it is not revoked",
            )
        if self._may_be_retried(world):
            row, accepted = self._table.do(world.row, "retry", "", 0)
            complaint = None if accepted else "a job that failed cannot be retried"
            yield "an operator retries", _durably(world, row)._replace(retries=1), complaint

    def _may_be_retried(self, world: World) -> bool:
        return self._operator and world.row.state in ("failed", "revoked") and not world.retries

    def _is_over(self, world: World) -> Iterator[Step]:
        """Nothing that anybody may still say changes anything, under whatever name and token."""
        workers = {_name(who, life) for who in (0, 1) for life in (0, 1)}
        for kind in ("claim", "rescue", *OUTCOMES):
            for worker in workers:
                for token in range(world.row.token + 1):
                    if self._table.do(world.row, kind, worker, token)[1]:
                        yield f"{kind} is accepted", world, f"{kind}: accepted from somebody who did not hold the job"

    def _claims(self, world: World, who: int, mind: Claim | None) -> Iterator[Step]:
        """Claims are not on disk when they return, and their answer may be lost."""
        if world.row.state != "ready" or world.claims == self._claims_left:
            return
        row, accepted = self._table.do(world.row, "claim", self._me(world, who), 0)
        if not accepted:
            yield f"{'AB'[who]} cannot claim", world, "a ready job cannot be claimed"
            return
        number = world.claims + 1
        after = world._replace(row=row, number=number, claims=world.claims + 1)
        yield f"{'AB'[who]} claims, and never hears of it", after, None
        adopted = Claim(number, row.token, mind.phase if mind else "claimed")
        yield f"{'AB'[who]} claims", _minding(after, who, adopted), None

    def _works(self, world: World, who: int, mind: Claim | None) -> Iterator[Step]:
        if mind is None:
            return
        name = "AB"[who]
        if mind.phase == "claimed":
            yield from self._starts(self._flushed(world), who, mind)
            yield f"{name} will give it back", _minding(self._flushed(world), who, mind._replace(phase="back")), None
        elif mind.phase == "running":
            outcomes = ["succeed"]
            if not self._at_most_once:
                outcomes += ["again", "fail"] if self._operator else ["again"]
            for outcome in outcomes:
                yield f"{name} ends: {outcome}", _minding(world, who, mind._replace(phase=outcome)), None
        else:
            letter = Letter(mind.phase, self._me(world, who), mind.token, mind.number)
            after, complaint = self._delivered(world, letter)
            yield f"{name} settles: {mind.phase}", _minding(after, who, None), complaint
            yield f"{name} settles: {mind.phase}, and never hears of it", after, complaint
            if world.letter is None:
                yield f"{name} settles: {mind.phase}, on a connection that hangs", world._replace(letter=letter), None

    def _flushed(self, world: World) -> World:
        """A job that may start once waits until its claim is on disk; a crash before that is noticed."""
        wait = self._at_most_once and self._flush_first
        return world._replace(disk=(world.row, world.number)) if wait else world

    def _starts(self, world: World, who: int, mind: Claim) -> Iterator[Step]:
        starts = world.starts + self._at_most_once
        after = _minding(world, who, mind._replace(phase="running"))._replace(starts=starts)
        yield f"{'AB'[who]} starts", after, "the job started twice" if starts > 1 else None

    def _recovers(self, world: World, who: int, mind: Claim | None) -> Iterator[Step]:
        """A worker finds itself signed off, or is started anew; or finds a job under its name that it does not know."""
        name, me = "AB"[who], self._me(world, who)
        if who == 0 and not world.lives[0]:
            yield "A starts anew", _minding(world, 0, None)._replace(lives=(1, world.lives[1])), None
        if mind is None and (world.row.state, world.row.worker) == ("running", me):
            orphan = Letter("back", me, world.row.token, world.number)
            yield f"{name} gives an orphan back", self._delivered(world, orphan)[0], None
            if world.letter is None:
                yield f"{name} gives an orphan back, on a connection that hangs", world._replace(letter=orphan), None

    def _post_arrives(self, world: World) -> Iterator[Step]:
        if world.letter is not None:
            without = world._replace(letter=None)
            yield "the hanging connection is gone", without, None
            after, complaint = self._delivered(without, world.letter)
            yield "what hung is executed", after, complaint

    def _rescue(self, world: World, worker: str) -> Iterator[Step]:
        """Anybody may be taken for dead at any moment."""
        row, accepted = self._table.do(world.row, "rescue", worker, 0)
        if accepted:
            yield f"{worker[:2]} is taken for dead", _durably(world, row), None

    def _delivered(self, world: World, letter: Letter) -> tuple[World, str | None]:
        row, accepted = self._table.do(world.row, letter.kind, letter.worker, letter.token)
        if not accepted:
            return world, None
        # A claim that a crash forgot and the same worker has drawn again, token and all, cannot be told from the first,
        # nor need it be: one worker, one outcome.
        again = letter.number == world.forgotten and letter.worker == world.row.worker
        foreign = (letter.number != world.number and not again) or world.row.state in FINAL
        complaint = f"{letter.kind}: accepted from somebody who did not hold the job" if foreign else None
        return _durably(world, row), complaint

    def _me(self, world: World, who: int) -> str:
        return _name(who, world.lives[who])


def _name(who: int, life: int) -> str:
    """Return an incarnation: the worker's letter and its life, in an uuid."""
    return f"{'ab'[who]}{life}000000-0000-4000-8000-000000000000"


def _minding(world: World, who: int, mind: Claim | None) -> World:
    return world._replace(minds=(mind, world.minds[1]) if who == 0 else (world.minds[0], mind))


def _durably(world: World, row: Row) -> World:
    """A commit on disk takes all before it along."""
    return world._replace(row=row, disk=(row, world.number))


def _crashed(world: World) -> World:
    """Every connection breaks: nothing hangs any more, and who waited for the disk hears an error."""
    row, number = world.disk
    minds = [None if mind and mind.phase == "claimed" else mind for mind in world.minds]
    forgotten = world.number if number != world.number else 0
    return world._replace(
        row=row, number=number, minds=(minds[0], minds[1]), letter=None, crashes=world.crashes + 1, forgotten=forgotten
    )


def _stranded(leads_to: dict[World, list[World]], claims: int) -> list[World]:
    """Return the moments from which no way leads to an end of the job, though claims are left."""
    leads_from: dict[World, list[World]] = {world: [] for world in leads_to}
    for world, followers in leads_to.items():
        for after in followers:
            leads_from[after].append(world)
    good = {world for world in leads_to if world.row.state in FINAL}
    todo = list(good)
    while todo:
        for before in leads_from[todo.pop()]:
            if before not in good:
                good.add(before)
                todo.append(before)
    return [world for world in leads_to if world not in good and world.claims < claims]


def _way_to(world: World, came_from: dict[World, tuple[World, str] | None]) -> list[str]:
    way = []
    while (step := came_from[world]) is not None:
        world, label = step
        way.append(label)
    return way[::-1]
