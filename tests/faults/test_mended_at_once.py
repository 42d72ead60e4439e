"""One that mends a damaged file stands still before each of its calls in turn, while others mend it too."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults.operations import ROTTEN, SPOILED, spoil
from faults.profile import note
from faults.shim import NOTHING
from faults.test_interleavings import Scene, age, play

from asimov.storage import Store

ROTTEN_AGAIN = b"rot again\n"


def mend(scene: Scene) -> None:
    """Let another mend the file, and see that it is right then."""
    assert scene.zygote.run(scene.operation, scene.base, locks=NOTHING).done
    assert Store(scene.root).verify().ok


def file_of(scene: Scene) -> Path:
    """Find the recorded file."""
    store = Store(scene.root)
    return Path(next(store.backend.stat(store)).where)


def everything(scene: Scene) -> set[bytes]:
    """Read all files of the Store."""
    return {path.read_bytes() for path in scene.root.rglob("*") if path.is_file()}


def check(scene: Scene, *damaged: bytes) -> None:
    """The next mends it; what was damaged is in quarantine, and nothing is left over."""
    assert set(damaged) <= everything(scene)
    mend(scene)
    assert {*damaged} <= {path.read_bytes() for path in (scene.root / ".manifest" / "quarantine").rglob("*/*/*")}
    age(scene.root / ".manifest" / "incoming")
    scene.check(tidy=False)
    assert Store(scene.root).verify().untracked == ()


def mended_meanwhile(scene: Scene) -> None:
    """Another mends it meanwhile: the file stays right."""
    mend(scene)
    assert scene.goes_on().done
    assert Store(scene.root).verify().ok
    check(scene, ROTTEN)


def damaged_again(scene: Scene) -> None:
    """Another mends it meanwhile, and then it is damaged again: neither the one nor the other damaged file is lost."""
    mend(scene)
    spoil(file_of(scene), ROTTEN_AGAIN)
    assert scene.goes_on().done
    check(scene, ROTTEN, ROTTEN_AGAIN)


def killed(scene: Scene) -> None:
    """It is killed there."""
    scene.dies()
    check(scene, ROTTEN)


@pytest.mark.parametrize("operation", ["mend", "mend_upstream"])
@pytest.mark.parametrize("what", [mended_meanwhile, damaged_again, killed], ids=lambda what: what.__name__)
def test_stopped_at_every_call(operation, what, tmp_path, zygote):
    """Of several that mend one file none undoes what another did, wherever it stands still, and nothing is lost."""
    scene = Scene(operation, tmp_path, zygote)
    points = scene.points()
    played = play(scene, what, points)
    note("mending stopped at", operation=operation, scene=what.__name__, points=played)
    assert played == len(points)
    assert SPOILED in scene.recorded
