"""Verification on a dask cluster: two real worker processes, one of which dies, or sees another disk than we do."""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections import Counter
from concurrent.futures import Executor
from pathlib import Path

import dask
import pytest
from damage import flip_bit
from distributed import Client, LocalCluster
from workers import hidden, plainly, stalled

COUNT, BATCH = 200, 64
pytestmark = pytest.mark.timeout(100)  # a cluster that doesn't come up must not take the whole run along


@pytest.fixture
def many(store, source):
    """A Store of 200 small files, so that verification sends four batches."""
    store.add_files([("S1", "Prod0", source(f"{n:03}", b"%d" % n)) for n in range(COUNT)])
    return store


@pytest.fixture(scope="module")
def client():
    """A client of a cluster of two worker processes."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


class Wrapped(Executor):
    """Sends to another executor, each task inside a function of the test's."""

    def __init__(self, inner, wrapper, *extra):
        self.inner, self.wrapper, self.extra, self.sent = inner, wrapper, extra, []
        self.futures = []

    def submit(self, fn, /, *args):
        """Send `fn` to be called by the wrapper."""
        self.sent.append(args)
        self.futures.append(self.inner.submit(self.wrapper, *self.extra, fn, *args))
        return self.futures[-1]


@pytest.fixture
def killer(tmp_path):
    """Kill the process whose number comes through a FIFO, as soon as it does; give the FIFO's path."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    def kill():
        if number := fifo.read_text():
            os.kill(int(number), signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    yield fifo
    if thread.is_alive():  # a test that failed before anybody wrote
        os.close(os.open(fifo, os.O_WRONLY))
    thread.join()


def statuses(report):
    """Count the checks of each status."""
    return Counter(check.status.value for check in report.results)


def test_as_on_threads(many, client):
    """On a cluster the report is the one that threads give: a flipped bit and a missing file are found."""
    records = list(many)
    paths = [many.root / "S1" / "Prod0" / record.uuid for record in records]
    flip_bit(paths[7])
    paths[150].unlink()
    report = many.verify(executor=client.get_executor(pure=False))
    assert [(check.file, check.status.value) for check in report.failures] == [("007", "corrupt"), ("150", "missing")]
    assert report == many.verify()


@pytest.mark.parametrize("options", [{}, {"pure": False}], ids=["as it is", "pure=False"])
def test_again(many, client, options):
    """Verifying twice reads the files twice: what was found before is never taken for what is there now."""
    executor = Wrapped(client.get_executor(**options), plainly)  # holds the futures, so dask keeps their results
    assert many.verify(executor=executor).ok
    flip_bit(many.root / "S1" / "Prod0" / next(iter(many)).uuid)
    assert statuses(many.verify(executor=executor)) == {"ok": COUNT - 1, "corrupt": 1}


def test_what_is_sent(many, client):
    """What is sent are batches of records and where they are, a few kB each, never the Store."""
    executor = Wrapped(client.get_executor(pure=False), plainly)
    assert many.verify(executor=executor).ok
    assert [len(records) for _, records, _ in executor.sent] == [64, 64, 64, 8]
    assert {location for location, _, _ in executor.sent} == {many.backend.location}
    assert max(len(pickle.dumps(arguments)) for arguments in executor.sent) < 200 * BATCH


def test_progress_and_cancelling(many, client):
    """Progress is told on the caller's thread, and what it raises ends the verification; the cluster goes on."""
    executor = client.get_executor(pure=False)
    calls = []
    many.verify(executor=executor, progress=lambda done, total: calls.append((done, total, threading.get_ident())))
    total = sum(len(b"%d" % n) for n in range(COUNT))
    assert calls[-1] == (total, total, threading.get_ident())

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        many.verify(executor=executor, progress=stop)
    assert many.verify(executor=executor).ok


@pytest.mark.parametrize("instead", ["nothing", "empty folder"])
def test_a_worker_that_cannot_see_the_store(many, client, instead):
    """Where a worker sees nothing, or an empty mount point, files are unreadable and not missing, with the reason."""
    (worker, *_) = client.scheduler_info(n_workers=-1)["workers"]
    report = many.verify(executor=Wrapped(client.get_executor(pure=False, workers=[worker]), hidden, instead))
    assert statuses(report) == {"unreadable": COUNT}
    assert {check.actual for check in report.results} == {None}
    (reason,) = {check.reason for check in report.results}
    assert f"the worker cannot see the Store at {many.root}" in reason
    assert many.verify().ok


def cluster(allowed_failures):
    """Start a cluster that gives up a task after it cost so many workers their lives."""
    with dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}):
        return LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0", host="127.0.0.1"
        )


def test_a_killed_worker(many, killer):
    """The batch of a worker that was killed in the middle of it is done by another: nothing is reported amiss."""
    victim = list(many)[2 * BATCH].uuid
    with cluster(3) as two, Client(two) as client:
        report = many.verify(executor=Wrapped(client.get_executor(pure=False), stalled, victim, str(killer)))
    assert Path(f"{killer}.taken").exists()
    assert statuses(report) == {"ok": COUNT}


def test_a_killed_worker_whose_work_is_given_up(many, killer):
    """Where the cluster gives a dead worker's batch up, its files are unreadable with the reason, never corrupt."""
    records = list(many)
    victim, lost = records[2 * BATCH].uuid, {record.file for record in records[2 * BATCH : 3 * BATCH]}
    with cluster(0) as two, Client(two) as client:
        report = many.verify(executor=Wrapped(client.get_executor(pure=False), stalled, victim, str(killer)))
    unreadable = {check.file: check.reason for check in report.failures}
    assert set(statuses(report)) == {"ok", "unreadable"}
    assert lost <= set(unreadable)
    assert all("KilledWorker" in reason for reason in unreadable.values())
    assert [check.file for check in report.results] == [record.file for record in records]


def test_a_cluster_that_is_gone(many):
    """A client that was closed before takes no work: that is an error of the call, and no verdict on files."""
    two = cluster(3)
    client = Client(two)
    executor = client.get_executor(pure=False)
    client.close()
    two.close()
    with pytest.raises(ValueError, match="it takes no work"):
        many.verify(executor=executor)
