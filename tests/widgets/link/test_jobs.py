"""Jobs: several at a time, each cancelled by its number, also before it has begun."""

from __future__ import annotations

import pytest

from asimov.storage.widgets._link.jobs import Jobs
from asimov.storage.widgets._link.messages import RefusedError
from asimov.storage.widgets._link.progress import Cancelled, Progress


@pytest.fixture
def jobs():
    """The jobs of a widget."""
    return Jobs(busy="It is on its way.")


@pytest.fixture
def progress():
    """The progress of one of them."""
    return Progress(lambda: None)


def test_a_job_is_cancelled_at_its_next_step(jobs, progress):
    """Cancel ends the job of that number, not another view's."""
    with jobs.under_way(("view", 1), progress):
        jobs.cancel(("other", 1))
        progress(1, 2)
        jobs.cancel(("view", 1))
        with pytest.raises(Cancelled):
            progress(2, 2)


def test_a_job_that_is_cancelled_before_it_begins_does_not_begin(jobs, progress):
    """A Cancel that overtakes its job ends it, however often it came; a job of another number begins."""
    for _ in range(2):
        jobs.cancel(("view", 1))
    with pytest.raises(Cancelled), jobs.under_way(("view", 1), progress):
        pytest.fail("it began")
    with jobs.under_way(("view", 2), progress):
        progress(1, 1)


def test_a_number_is_one_job(jobs, progress):
    """A second job of a number is refused while the first is under way, and not afterwards."""
    first, second = (jobs.under_way(("view", 1), progress) for _ in range(2))
    with first, pytest.raises(RefusedError, match="on its way"), second:
        pytest.fail("it began")
    with jobs.under_way(("view", 1), progress):
        progress(1, 1)


def test_closing_ends_all(jobs, progress):
    """Closing ends the jobs under way, and no other begins."""
    with jobs.under_way(("view", 1), progress):
        jobs.close()
        with pytest.raises(Cancelled):
            progress(1, 1)
    with pytest.raises(Cancelled), jobs.under_way(("view", 2), progress):
        pytest.fail("it began")
