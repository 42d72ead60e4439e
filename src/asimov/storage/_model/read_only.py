"""Dicts that are read-only: a change would not get into the Store, so it raises an error instead of being lost."""

from __future__ import annotations

from typing import Any, NoReturn

import yaml
from yaml.representer import Representer, SafeRepresenter

_REFUSED = (
    "manifest.data is read-only: a change of it would not get into the Store. Add files with Store.add_file(), or note "
    "records with Manifest.add_record() and publish them with Manifest.update()."
)


class ReadOnlyDict(dict[str, Any]):
    """A read-only dict. It compares, prints, and is written as JSON and YAML like a dict; its copies are plain dicts.

    Parameters
    ----------
    data : dict
        Dicts in it become read-only too.
    """

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__({key: ReadOnlyDict(value) if type(value) is dict else value for key, value in data.items()})

    def _refuse(self, *_given: object, **_named: object) -> NoReturn:
        raise TypeError(_REFUSED)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (dict(self),)


for _representer in (SafeRepresenter, Representer):  # for all dumpers: yaml.dump, yaml.safe_dump, and the C ones
    yaml.add_representer(ReadOnlyDict, SafeRepresenter.represent_dict, Dumper=_representer)
