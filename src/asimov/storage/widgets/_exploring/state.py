"""The state of an Explorer as traits. Python sets and observes them, and they survive a reload of the page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import traitlets

from asimov.storage._display.text import shown
from asimov.storage._model.names import name_of

from .view import COLUMNS, DEFAULT_COLUMNS, View

_BEGINNING = datetime.fromtimestamp(0, UTC)


class Words(traitlets.TraitType[str, Any]):
    """A text, or an object with a ``name``. None stands for an empty text."""

    default_value = ""
    info_text = "a str, or an object with a name"

    def __init__(self, limit: int = 255) -> None:
        super().__init__()
        self._limit = limit

    def validate(self, _obj: object, value: object) -> str:
        """Return the text."""
        text = "" if value is None else name_of(value)
        if not isinstance(text, str) or len(text) > self._limit:
            msg = f"{self.name}={shown(value)}: it takes {self.info_text}, of at most {self._limit:,} characters."
            raise traitlets.TraitError(msg)
        return str(text)


class Moment(traitlets.TraitType["datetime | None", Any]):
    """A point in time: a datetime (a naive one is local time), a str in ISO 8601, or None.

    It is sent to a page in ms since 1970.
    """

    default_value = None
    info_text = 'a datetime, or a str such as "2026-11-26" or "2026-11-26T09:00+01:00"'

    def __init__(self) -> None:
        super().__init__(allow_none=True)
        self.tag(to_json=lambda value, _widget: _in_ms(value), from_json=lambda value, _widget: _of_ms(value))

    def validate(self, _obj: object, value: object) -> datetime | None:
        """Return an aware datetime. "never" becomes the first moment of 1970."""
        if value == "never":
            return _BEGINNING
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else value
            if isinstance(moment, datetime) and moment == moment:  # noqa: PLR0124 - false for pandas' NaT
                moment = moment.astimezone() if moment.tzinfo is None else moment
                if moment >= _BEGINNING:
                    return moment
        except (ValueError, OverflowError):
            pass
        msg = f"{self.name}={shown(value)}: it takes {self.info_text}, of 1970 or later."
        raise traitlets.TraitError(msg)


def _in_ms(value: datetime | None) -> int | None:
    return None if value is None else int(value.timestamp() * 1000)


def _of_ms(value: object) -> datetime | None:
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int | float) else None


class Column(traitlets.TraitType[str, Any]):
    """The column that the table is sorted by."""

    default_value = "event"

    def validate(self, obj: Shown, value: object) -> str:
        """Return the name of the column."""
        return _known(obj, self.name, value, [value])[0]


class Columns(traitlets.TraitType["tuple[str, ...]", Any]):
    """The columns that are shown, in the order of the table."""

    default_value = DEFAULT_COLUMNS

    def __init__(self) -> None:
        super().__init__()
        self.tag(to_json=lambda value, _widget: list(value))

    def validate(self, obj: Shown, value: object) -> tuple[str, ...]:
        """Return the names of the columns, keys of notes at the end. "file" is always among them."""
        given = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [None]
        names = _known(obj, self.name, value, given)
        first = [name for name in COLUMNS if name in names or name == "file"]
        return (*first, *dict.fromkeys(name for name in names if name not in COLUMNS))


def _known(state: Shown, trait: str | None, value: object, names: list[Any]) -> list[str]:
    """Return the names of columns; raise TraitError if one is neither a column nor a key of notes."""
    for name in names:
        if not isinstance(name, str) or not (name in COLUMNS or state.has_note(name)):
            msg = (
                f"{trait}={shown(value)}: {shown(name)} is no column. There are {', '.join(COLUMNS)}, and the keys of "
            )
            msg += "the records' notes (meta)."
            raise traitlets.TraitError(msg)
    return list(map(str, names))


class Place(traitlets.TraitType["tuple[str, str, str] | None", Any]):
    """Event, production and file of a record, or None."""

    default_value = None
    info_text = "(event, production, file), or None"

    def __init__(self) -> None:
        super().__init__(allow_none=True)
        self.tag(to_json=lambda value, _widget: value and list(value))

    def validate(self, _obj: object, value: object) -> tuple[str, str, str]:
        """Return the three names."""
        names = tuple(map(name_of, value)) if isinstance(value, list | tuple) else ()
        if len(names) != 3 or not all(isinstance(name, str) and 0 < len(name) <= 255 for name in names):
            msg = f"{self.name}={shown(value)}: it takes {self.info_text}."
            raise traitlets.TraitError(msg)
        event, production, file = map(str, names)
        return event, production, file


class Shown(traitlets.HasTraits):
    """The traits that determine what an Explorer shows."""

    search = Words(1000).tag(sync=True)
    event = Words().tag(sync=True)
    production = Words().tag(sync=True)
    suffix = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    added_from = Moment().tag(sync=True)
    added_to = Moment().tag(sync=True)
    larger_than = traitlets.CInt(None, min=0, allow_none=True).tag(sync=True)
    not_verified_since = Moment().tag(sync=True)
    failed = traitlets.Bool(default_value=False).tag(sync=True)
    retracted = traitlets.Bool(default_value=False).tag(sync=True)
    sort = Column().tag(sync=True)
    descending = traitlets.Bool(default_value=False).tag(sync=True)
    columns = Columns().tag(sync=True)
    page = traitlets.Int(0, min=0).tag(sync=True)
    opened = Place().tag(sync=True)
    overview_folded = traitlets.Bool(default_value=False).tag(sync=True)

    def has_note(self, key: str) -> bool:
        """Return whether a record has a note with this key."""
        raise NotImplementedError


def view_of_traits(state: Shown) -> View:
    """Return the view that the traits describe."""
    return View(
        search=state.search,
        event=state.event or None,
        production=state.production or None,
        suffix=state.suffix,
        added_from=_in_ms(state.added_from),
        added_to=_in_ms(state.added_to),
        larger_than=state.larger_than,
        not_verified_since=_in_ms(state.not_verified_since),
        failed=state.failed,
        retracted=state.retracted,
        notes=tuple(name for name in state.columns if name not in COLUMNS),
        sort=state.sort,
        descending=state.descending,
        page=state.page,
    )


def traits_of_view(view: View) -> dict[str, Any]:
    """Return the traits that a view was made of, as a page has them, but for the columns."""
    values = asdict(view)
    del values["notes"]
    return values
