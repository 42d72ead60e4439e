"""The project's commands: each is a nox session in an environment of its own.

``nox`` runs what continuous integration runs. The tests never see src/: they run against the wheel, built once and
installed as a user would.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nox

ROOT = Path(__file__).parent
#: A folder with wheel and sdist that were built elsewhere, as in the workflows; else the session `dist` builds them.
BUILT = os.environ.get("ASIMOV_STORAGE_DIST")
DIST = Path(BUILT).resolve() if BUILT else ROOT / ".nox" / "built"
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
#: What a session needs that pip doesn't have: the names it may go by, and Debian's packages.
PROGRAMS = {
    "chromium": (["chromium", "chromium-browser", "google-chrome"], ["chromium", "fonts-dejavu"]),
    "firefox": (["firefox-esr", "firefox"], ["firefox-esr"]),
    "strace": (["strace"], ["strace"]),
    "cc": (["cc"], ["gcc", "libc6-dev"]),
    "git": (["git"], ["git"]),
    "access-control lists": (["setfacl"], ["acl"]),
    "locales": (["locale-gen"], ["locales"]),
    "nginx": (["nginx"], ["nginx-light"]),
    "NFS in user-mode Linux": (["linux.uml"], ["user-mode-linux"]),
    "an NFS server": (["rpc.nfsd"], ["nfs-kernel-server"]),
    "an NFS client": (["mount.nfs"], ["nfs-common"]),
    "rpcbind": (["rpcbind"], ["rpcbind"]),
    "busybox": (["busybox"], ["busybox-static"]),
    "ext4": (["mkfs.ext4"], ["e2fsprogs"]),
    "vfat": (["mkfs.vfat"], ["dosfstools"]),
    "xfs": (["mkfs.xfs"], ["xfsprogs"]),
    "btrfs": (["mkfs.btrfs"], ["btrfs-progs"]),
    "bindfs": (["bindfs"], ["bindfs"]),
    "sshfs": (["sshfs"], ["sshfs", "openssh-sftp-server"]),
    "GlusterFS": (["glusterd"], ["glusterfs-server", "glusterfs-client"]),
}
#: What the tests of odd file systems use, each of them where it is there.
DISKS = (
    *("NFS in user-mode Linux", "an NFS server", "an NFS client", "rpcbind", "busybox"),
    *("ext4", "vfat", "xfs", "btrfs", "bindfs", "sshfs", "cc"),
)
#: A cluster's workers are spawned from what the process is, so these have a process that no other test has been in.
CLUSTER = "tests/operations/test_verifying_distributed.py"
#: The tests that need no other program and no patience.
QUICK = (
    "-n2",
    "--ignore=tests/browser",
    "--ignore=tests/faults",
    "--ignore=tests/fuzz",
    "--ignore=tests/network",
    "--ignore=tests/outsiders",
    f"--ignore={CLUSTER}",
)

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = False
#: What `nox` alone does, and so the README's test command and .ci/run.
nox.options.sessions = ["lint", "tests", "outsiders", "faults", "disks", "browser", "docs"]


def group(*names: str) -> list[str]:
    """List what dependency groups of pyproject.toml ask for."""
    return list(nox.project.dependency_groups(PROJECT, *names))


def install(session: nox.Session, *groups: str, lowest: bool = False) -> None:
    """Install the built wheel and dependency groups, and nothing of the checkout."""
    (wheel,) = DIST.glob("*.whl")
    bounds = [bound.replace(">=", "==") for bound in PROJECT["project"]["dependencies"]] if lowest else []
    session.install(str(wheel), *bounds, *group(*groups))
    # Again, since in an environment that is reused (`nox -r`) pip keeps an older wheel of the same version.
    session.install("--force-reinstall", "--no-deps", str(wheel))


def pytest(session: nox.Session, *args: str) -> None:
    """Run pytest against the installed wheel; the session ends where it would be anything else."""
    env = {"ASIMOV_STORAGE_TEST_INSTALLED": "1", "ASIMOV_STORAGE_DIST": str(DIST), "PYTHONPATH": None}
    session.run("pytest", *args, *session.posargs, env=env)


def missing(*programs: str) -> list[str]:
    """List Debian's packages of those programs that aren't there; administrators' programs need not be on the path."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    wanted = [PROGRAMS[program] for program in programs]
    return [
        package
        for names, packages in wanted
        if not any(shutil.which(name, path=path) for name in names)
        for package in packages
    ]


def apt_get(session: nox.Session, *packages: str) -> None:
    """Install Debian's packages, and start no server of theirs."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    session.run("apt-get", "update", "-qq", external=True, silent=True)
    command = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages)
    session.run(*command, external=True, silent=True, env=quiet)


def need(session: nox.Session, *programs: str) -> None:
    """Install with apt-get what is missing, where that is ours to do; else say what to install."""
    packages = missing(*programs)
    if not packages:
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        apt_get(session, *packages)
    elif os.environ.get("CI"):
        session.error(f"install first: {' '.join(packages)}")
    else:
        session.skip(f"this session needs {', '.join(programs)}; on Debian: apt-get install {' '.join(packages)}")


def offer(session: nox.Session, *programs: str) -> None:
    """Install with apt-get what is missing, where that can be done; tests say what they go without."""
    packages = missing(*programs)
    if packages and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            apt_get(session, *packages)
        except nox.command.CommandFailed:
            session.log("apt-get could not install all of it")
    if packages := missing(*programs):
        session.log(f"not here, and left out: {' '.join(packages)}")


@nox.session
def dist(session: nox.Session) -> None:
    """Build the sdist, and from that the wheel which every other session tests."""
    if BUILT:
        session.log(f"taking what is in {DIST}")
        return
    shutil.rmtree(DIST, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(DIST), silent=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check format, style, types and the direction of imports; format, style, types and names of the JavaScript."""
    session.install(*PROJECT["project"]["dependencies"], *group("lint"))
    session.run("ruff", "format", "--check", "--diff")
    session.run("ruff", "check")
    session.run("mypy")
    session.run("lint-imports", "--no-logo", env={"PYTHONPATH": "src"})
    session.run("python", "docs/imports.py", "--check", env={"PYTHONPATH": "src"})
    session.run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", silent=True)
    session.run("node", "node_modules/@biomejs/biome/bin/biome", "ci", "--error-on-warnings")
    session.run("python", "tools/check_javascript.py", env={"PYTHONPATH": "src"})


@nox.session
def graph(session: nox.Session) -> None:
    """Write the graph of imports into docs/explanation/architecture.md."""
    session.install(*PROJECT["project"]["dependencies"], *group("lint"))
    session.run("python", "docs/imports.py", env={"PYTHONPATH": "src"})


@nox.session(requires=["dist"])
def tests(session: nox.Session) -> None:
    """Run the tests against the wheel, the notebooks among them, with a figure of coverage."""
    offer(session, "access-control lists", "locales", "nginx")
    install(session, "test")
    pytest(session, CLUSTER)
    pytest(session, *QUICK, "--cov", "--cov-report=term")


@nox.session(requires=["dist"])
def outsiders(session: nox.Session) -> None:
    """Let the validator of RO-Crates, which can't be installed beside our linters, judge what is exported."""
    install(session, "test", "outsiders")
    pytest(session, "tests/outsiders")


@nox.session(requires=["dist"])
def faults(session: nox.Session) -> None:
    """Break each system call in turn, kill and race writers, compare with a model, fuzz the manifest reader."""
    need(session, "strace", "cc")
    install(session, "test")
    pytest(session, "-n2", "tests/faults", "tests/fuzz")


@nox.session(requires=["dist"])
def disks(session: nox.Session) -> None:
    """Use Stores on real NFS with several clients and on odd file systems, each where this machine has it."""
    offer(session, *DISKS)
    install(session, "test")
    pytest(session, "-n2", "tests/network")


@nox.session(requires=["dist"])
def network(session: nox.Session) -> None:
    """Let many writers use Stores on network file systems, and print a table of what came of it (about an hour)."""
    offer(session, *DISKS, "GlusterFS")
    install(session, "test")
    env = {"PYTHONPATH": "tests"}
    session.run("python", "-m", "network.rounds", *session.posargs, env=env)


@nox.session(requires=["dist"])
def fuzz(session: nox.Session) -> None:
    """Let atheris fuzz the manifest reader: five minutes, or what libFuzzer's ``-- -runs=1000000`` says."""
    install(session, "test", "fuzz")
    session.run("python", "-m", "fuzz.atheris_manifest", *session.posargs, env={"PYTHONPATH": "tests"})


@nox.session(requires=["dist"])
def browser(session: nox.Session) -> None:
    """Run the widgets in JupyterLab, Notebook 7 and Voila, in a real Chromium, and the main ones in a real Firefox."""
    need(session, "chromium", "firefox")
    install(session, "test", "browser")
    pytest(session, "-n2", "--dist", "loadfile", "tests/browser")  # each with a server and a browser of its own


@nox.session(requires=["dist"])
def pictures(session: nox.Session) -> None:
    """Take the pictures of the widgets for docs and README anew."""
    need(session, "chromium")
    install(session, "test", "browser")
    session.run("python", "docs/pictures.py", env={"PYTHONPATH": None})


@nox.session(requires=["dist"])
def docs(session: nox.Session) -> None:
    """Build the documentation, executing its notebooks, and run its examples; a warning is a failure."""
    install(session, "docs")
    for builder in ("html", "doctest"):
        session.run("sphinx-build", "-n", "-W", "--keep-going", "-b", builder, "docs", f"docs/_build/{builder}")


@nox.session(requires=["dist"])
def bench(session: nox.Session) -> None:
    """Measure ours beside its peers: ``nox -s bench -- --quick`` for two minutes of it."""
    install(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs, env={"PYTHONPATH": None})


@nox.session(requires=["dist"])
def bench_browser(session: nox.Session) -> None:
    """Measure transfers and the Explorer beside their peers, in JupyterLab and a real Chromium."""
    need(session, "chromium")
    install(session, "test", "browser", "bench")
    for module in ("uploads", "downloads", "explorer"):
        session.run("python", "-m", f"benchmarks.{module}", *session.posargs, env={"PYTHONPATH": None})


@nox.session(python="3.11", requires=["dist"])
def oldest(session: nox.Session) -> None:
    """Run the tests with the oldest dependencies that pyproject.toml allows."""
    offer(session, "nginx")
    install(session, "test", lowest=True)
    pytest(session, *QUICK)


@nox.session(python=["3.12", "3.13", "3.14"], requires=["dist"])
def pythons(session: nox.Session) -> None:
    """Run the tests on another Python."""
    offer(session, "nginx")
    install(session, "test")
    pytest(session, *QUICK)


@nox.session(requires=["dist"])
def coexist(session: nox.Session) -> None:
    """Run upstream asimov's own tests on our storage and on its own, and print the figures (about ten minutes)."""
    need(session, "git")
    (wheel,) = DIST.glob("*.whl")
    session.run("python", "tests/coexist/compare.py", str(wheel), "--work", session.create_tmp(), *session.posargs)


@nox.session(python="3.11")
def binder(session: nox.Session) -> None:
    """Do what Binder does, without Docker: read its configuration, run postBuild, and the notebooks, by nbmake."""
    session.install("jupyter-repo2docker", "nbmake", "-r", "binder/requirements.txt")
    session.run("repo2docker", "--no-build", "--debug", ".", silent=True)
    session.run("binder/postBuild", external=True, env={"PYTHONPATH": None})
    notebooks = sorted(map(str, Path("notebooks").glob("*.ipynb")))
    # Without our own pytest options: they are for the tests.
    session.run("binder/start", "pytest", "-c", os.devnull, "--rootdir=.", "--nbmake", *notebooks, external=True)
