"""Traits of the widgets that users read, set and observe from Python."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import traitlets

from asimov.storage._display.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable

HEIGHT = "480px"
_NUMBER = r"\+?(?:\d+(?:\.\d*)?|\.\d+)"
_LENGTH = re.compile(
    rf"{_NUMBER}(?:px|r?em|ex|r?ch|r?lh|cm|mm|in|pt|pc|%|[sld]?v(?:h|w|b|i|min|max)|cq(?:h|w|b|i|min|max))"
    r"|(?:calc|min|max|clamp)\([-+*/(),. \w%]+\)"
)


class Height(traitlets.TraitType[str, str]):
    """The largest height of a widget: a CSS length, or ``fill`` for all of the room that there is."""

    info_text = 'a CSS length such as "480px" or "60vh", or "fill"'
    default_value = HEIGHT

    def validate(self, _obj: object, value: object) -> str:
        """Return the height without blanks around it."""
        text = value.strip() if isinstance(value, str) else ""
        if text == "fill" or _LENGTH.fullmatch(text):
            return text
        msg = f"height={shown(value)}: it takes {self.info_text}."
        raise traitlets.TraitError(msg)


class Told(traitlets.TraitType[Any, Any]):
    """A read-only trait in which a widget reports on its work. It can be observed, and is sent to the page as JSON.

    Parameters
    ----------
    to_json : callable
        ``to_json(value)`` returns the JSON value to send. None is sent as null.
    default : callable
        A function that returns the initial value.
    """

    def __init__(self, to_json: Callable[[Any], object], default: Callable[[], object] = lambda: None) -> None:
        super().__init__(read_only=True, allow_none=True)
        self._default = default
        self.tag(
            sync=True,
            to_json=lambda value, _widget: None if value is None else to_json(value),
            from_json=lambda _value, widget: getattr(widget, str(self.name)),  # a page can't set it
        )

    def make_dynamic_default(self) -> object:
        """Return the initial value."""
        return self._default()
