"""What the database holds, as segments need it: counts of stores, names, and the segments' rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.errors import NoDataError
from hub.patterns.days import Daypart, minutes
from hub.segments.context import Surroundings
from hub.segments.definition import Definition, parse_definitions
from hub.segments.hours import Calendar, CellHours, cell_hours
from hub.segments.lloyd import bridge
from hub.segments.rules import Array, Rule
from hub.segments.tagged import TagDay, tag_days, tagged_days
from hub.segments.vocabulary import Vocabulary, vocabulary
from hub.segments.weighing import Day, Weighed, by_day, every_visit, weigh
from hub.store_io.configs import ConfigTables
from hub.store_io.counts import Counts, CountTables
from hub.store_io.segments import SegmentRow
from hub.store_io.store import Store
from wire.codebook import Codebook
from wire.messages import Meta

FIRST_DAY = datetime(2000, 1, 1, tzinfo=UTC)
LAST_DAY = datetime(2200, 1, 1, tzinfo=UTC)
CHANNELS = ("cells", "day_cells", "tags")
"""What segments are made of."""


@dataclass(frozen=True, slots=True, eq=False)
class StoreCounts:
    """A store's counts over a period.

    Attributes:
        hours: of codebook cells, by agent and codebook.
        tags: of basket tags, by day.
    """

    store: str
    hours: tuple[CellHours, ...]
    tags: tuple[TagDay, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """Everything segments are made of.

    Attributes:
        stores: their counts, by name.
        names: that rules may use.
        surroundings: context beside the releases.
        bridges: from older codebooks to the newest, as ``hub.segments.weighing.weigh`` takes them.
    """

    stores: dict[str, StoreCounts]
    names: Vocabulary
    surroundings: Surroundings
    bridges: dict[str, tuple[str, Array]]


def load(
    opened: Store,
    *,
    surroundings: Surroundings,
    stores: Sequence[str] = (),
    since: date | None = None,
    until: date | None = None,
    channels: Sequence[str] = CHANNELS,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Chain:
    """Load a chain's counts of the days [since, until); all that is retained by default.

    With ``channels`` ("tags",) little more than the names are loaded. ``progress`` is told how many
    of how many stores are.

    Raises:
        NoDataError: no store has told what it is, or a time zone is not known here.
    """
    known = opened.stores()
    unknown = sorted(set(stores) - set(known))
    if unknown:
        raise NoDataError(f"store {unknown[0]!r} was never heard; known: {', '.join(known)}")
    metas: list[Meta] = []
    counts: dict[str, StoreCounts] = {}
    read = _reader(
        CountTables(opened),
        every=sorted(stores or known) == sorted(known),  # also where each is named
        channels=channels,
        alive=lambda: progress(0, 0),
    )
    calendars: dict[str, Calendar] = {}
    for number, store in enumerate(stores or known):
        progress(number, len(stores or known))
        of_store = [meta for several in opened.metas(store).values() for meta in several]
        if not of_store:
            continue  # without a meta its days cannot be told: the time zone is in it
        metas += of_store
        calendar = _calendar(of_store[-1], store=store, known=calendars)
        zone = calendar.zone
        columns = read(
            store,
            _midnight(since, zone=zone) if since else FIRST_DAY,
            _midnight(until, zone=zone) if until else LAST_DAY,
        )
        counts[store] = StoreCounts(
            store,
            tuple(cell_hours(columns, store=store, calendar=calendar)),
            tuple(tag_days(columns, calendar=calendar)),
        )
    if not metas:
        raise NoDataError("no store has told yet what it is: is an agent running?")
    tags = sorted({tag.tag for one in counts.values() for tag in one.tags})
    names = vocabulary(metas, surroundings=surroundings, tags=tags, stores=list(counts))
    return Chain(counts, names, surroundings, _bridges(metas, newest=newest_book(opened)))


def newest_book(opened: Store) -> Codebook:
    """Give the codebook agents count by; of several the one published last, then the most used.

    Raises:
        NoDataError: no agent has told of one.
    """
    used = [
        several[-1].codebook
        for store in opened.stores()
        for several in opened.metas(store).values()
    ]
    if not used:
        raise NoDataError("no store has told yet what it is: is an agent running?")
    published = list(ConfigTables(opened).codebooks())
    votes = Counter(book.version for book in used)

    def rank(book: Codebook) -> tuple[int, int]:
        at = published.index(book.version) if book.version in published else -1
        return at, votes[book.version]

    return max(used, key=rank)


def weighed(chain: Chain, rule: Rule, *, store: str) -> list[Weighed]:
    """Evaluate a rule over cells on one store's counts."""
    return weigh(
        rule,
        hours=chain.stores[store].hours,
        cells=chain.names.cells,
        surroundings=chain.surroundings,
        bridges=chain.bridges,
    )


def _bridges(metas: Sequence[Meta], *, newest: Codebook) -> dict[str, tuple[str, Array]]:
    """Find the way from every other codebook to the newest, so that history goes on over it."""
    older = {meta.codebook.version: meta.codebook for meta in metas}
    found = {
        version: bridge(book, newest)
        for version, book in older.items()
        if version != newest.version
    }
    return {
        version: (newest.version, table) for version, table in found.items() if table is not None
    }


def days_of(chain: Chain, rule: Rule, *, store: str) -> list[Day]:
    """Give the days of a segment's rule in one store; none where nothing is told.

    Raises:
        RuleError: the rule cannot be evaluated.
    """
    if not rule.tagged:
        return by_day(weighed(chain, rule, store=store))
    return tagged_days(
        rule,
        tags=chain.stores[store].tags,
        visits=by_day(every_visit(chain.stores[store].hours)),
        store=store,
        surroundings=chain.surroundings,
    )


def definition_of(row: SegmentRow) -> Definition:
    """Read the definition that a stored version holds."""
    return parse_definitions(row.rule, path=f"segment {row.segment} version {row.version}")[0]


def _reader(
    tables: CountTables, *, every: bool, channels: Sequence[str], alive: Callable[[], None]
) -> Callable[[str, datetime, datetime], list[Counts]]:
    """Give what reads a store's counts of [since, until): one by one, or ``every`` one at once."""
    read: dict[tuple[datetime, datetime], dict[str, list[Counts]]] = {}

    def of(store: str, since: datetime, until: datetime) -> list[Counts]:
        if not every:
            return tables.of(store, since=since, until=until, channels=channels)
        if (since, until) not in read:  # stores of one time zone have the same midnights
            read[since, until] = tables.of_all(
                since=since, until=until, channels=channels, alive=alive
            )
        return read[since, until].pop(store, [])

    return of


def _calendar(meta: Meta, *, store: str, known: dict[str, Calendar]) -> Calendar:
    """Give a store's calendar: the same one to all stores that tell the time alike."""
    key = f"{meta.timezone} {meta.dayparts} {meta.daypart_starts}"
    if key not in known:
        try:
            zone = ZoneInfo(meta.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise NoDataError(
                f"store {store!r}: this machine does not know its time zone {meta.timezone!r}; "
                "correct the agent's configuration, or install tzdata here"
            ) from error
        dayparts = tuple(
            Daypart(name, minutes(start))
            for name, start in zip(meta.dayparts, meta.daypart_starts, strict=False)
        )
        known[key] = Calendar(zone, dayparts)
    return known[key]


def _midnight(day: date, *, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
