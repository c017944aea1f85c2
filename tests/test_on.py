"""`hatch run on SUITE`: commands on other Debian systems."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import apt
from scripts.rabbitmq.probe import wait_for
from scripts.trees import checkout, enclosure, host, on, tree
from scripts.trees.checkout import Checkout

COMMAND = [sys.executable, "-m", "scripts.trees.on"]
ROOT = Path(__file__).parent.parent


@pytest.fixture
def said(capsys):
    """What was said, one line each, and where a tree would be made."""
    return lambda: capsys.readouterr().err.splitlines()


@pytest.fixture(autouse=True)
def _no_trees(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_says_how_it_is_used(said):
    assert on.main([]) == 2
    (line,) = said()
    assert line.startswith("on: usage: hatch run on SUITE [COMMAND...]")


def test_names_the_suites_that_it_knows(said):
    assert on.main(["woody"]) == 2
    (line,) = said()
    assert line == (
        "on: there is no woody: take one of bookworm (RabbitMQ 3.10, Python 3.11); "
        "trixie (RabbitMQ 4.0, Python 3.13); sid (RabbitMQ 4.3, Python 3.14)"
    )


@pytest.mark.parametrize(
    ("user", "commands", "namespaces", "reason"),
    [
        (1000, [], True, 'a tree needs root: take sudo env "PATH=$PATH" hatch run on ...'),
        (0, [], True, "a tree needs debootstrap, a package of Debian and Ubuntu"),
        (0, ["apt-get"], True, "a tree needs debootstrap, and apt-get could not install it"),
        (
            0,
            ["debootstrap"],
            False,
            "a tree needs namespaces of mounts and processes, and unshare is refused",
        ),
    ],
)
def test_says_in_one_line_why_there_is_no_tree(
    tmp_path, monkeypatch, said, user, commands, namespaces, reason
):
    for name in commands:
        (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(enclosure, "is_possible", lambda: namespaces)
    assert on.main(["sid", "true"]) == 1
    assert said() == [f"on: {reason}"]


MIXED = """
'https://first.invalid/linux/debian/dists/bookworm/InRelease' x 0
'http://mirror.invalid/debian/dists/bookworm/InRelease' x 0
'http://mirror.invalid/debian/dists/bookworm-updates/InRelease' x 0
'http://mirror.invalid/debian-security/dists/bookworm-security/InRelease' x 0
'http://mirror.invalid/debian/dists/bookworm/main/binary-all/Packages.xz' x 0
"""


@pytest.mark.parametrize(
    ("uris", "mirror"),
    [
        ("", None),
        ("'http://archive.invalid/ubuntu/dists/noble/InRelease' x 0", None),
        ("'http://mirror.invalid/debian/dists/sid/InRelease' x 0", "http://mirror.invalid/debian"),
        (MIXED, "http://mirror.invalid/debian"),
    ],
)
def test_takes_the_mirror_that_apt_takes(uris, mirror):
    assert apt.mirror_in(uris) == mirror


def test_a_tree_sees_what_the_configuration_of_packages_names(tmp_path, monkeypatch):
    home, wheels, index = tmp_path / "home", tmp_path / "wheels", tmp_path / "index" / "simple"
    for folder in (home / ".config/pip", wheels, index):
        folder.mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(
        f"[global]\nfind-links = {wheels}\nextra-index-url = file://{index} https://x.invalid/s\n"
    )
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PIP_CONSTRAINT", "/none/constraints.txt")
    mounts = "\n".join(host.mounts(tmp_path / "tree"))
    for seen in (wheels, index.parent):
        assert f"{seen} {tmp_path}/tree{seen}" in mounts
    assert f"{home}/.config/pip {tmp_path}/tree/root/.config/pip" in mounts
    assert "constraints.txt" not in mounts


def test_a_command_has_the_variables_of_its_own_system(monkeypatch):
    monkeypatch.setenv("PIP_CERT", "/certificates")
    monkeypatch.setenv("PYTHONPATH", "/here")
    monkeypatch.setenv("VIRTUAL_ENV", "/here")
    variables = host.environment()
    assert (variables["PIP_CERT"], variables["HOME"]) == ("/certificates", "/root")
    assert not {"PYTHONPATH", "VIRTUAL_ENV"} & variables.keys()


class TestCheckout:
    @pytest.fixture
    def root(self, tmp_path, monkeypatch):
        root = tmp_path / "root"
        root.mkdir()
        monkeypatch.setattr(checkout, "ROOT", root)
        git = ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@a.invalid"]
        subprocess.run([*git, "init", "--quiet"], check=True)
        for name, text in (("kept", "1"), ("changed", "1"), (".gitignore", "cache\n")):
            (root / name).write_text(text)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "--quiet", "-m", "a"], check=True)
        return root

    @pytest.fixture
    def copy(self, root, tmp_path):
        copy = Checkout(tmp_path / "copy")
        copy.update()
        return copy

    def test_has_what_is_not_committed_and_keeps_its_own_caches(self, root, copy):
        (copy.folder / "cache").write_text("its own")
        (copy.folder / "old").write_text("of the last run")
        (root / "cache").write_text("mine")
        (root / "changed").write_text("2")
        (root / "new").write_text("3")
        copy.update()
        names = {path.name for path in copy.folder.iterdir()}
        assert names == {".git", ".gitignore", "kept", "changed", "new", "cache"}
        assert (copy.folder / "changed").read_text() == "2"
        assert (copy.folder / "cache").read_text() == "its own"

    def test_brings_back_what_a_command_changed(self, root, copy):
        (copy.folder / "changed").write_text("22")
        (copy.folder / "results").write_text("x")
        (copy.folder / "cache").write_text("x")
        assert copy.bring_back() == []
        assert (root / "changed").read_text() == "22"
        assert (root / "results").read_text() == "x"
        assert not (root / "cache").exists()

    def test_leaves_what_changed_on_both_sides_and_names_it(self, root, copy):
        (copy.folder / "changed").write_text("22")
        (root / "changed").write_text("mine")
        assert copy.bring_back() == ["changed"]
        assert (root / "changed").read_text() == "mine"


@pytest.mark.skipif(not enclosure.is_possible(), reason="no namespaces here")
class TestEnclosure:
    def run(self, script):
        code = "from scripts.trees import enclosure; import os, sys\n"
        code += f"sys.exit(enclosure.run(['sh', '-c', {script!r}], dict(os.environ)))"
        return subprocess.Popen(
            [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )

    @pytest.mark.parametrize(("script", "code"), [("exit 7", 7), ("kill -9 $$", 137)])
    def test_returns_the_exit_code_of_the_command(self, script, code):
        with self.run(script) as process:
            pass
        assert process.returncode == code

    def test_ends_what_the_command_left_and_unmounts(self, tmp_path):
        mount = f"mount -t tmpfs none {tmp_path}; touch {tmp_path}/mounted"
        with self.run(f"{mount}; setsid sleep 4711.{os.getpid()} & exit 0") as process:
            pass
        assert process.returncode == 0
        assert not [*tmp_path.iterdir()]
        assert not running(f"4711.{os.getpid()}")

    def test_passes_sigterm_on(self):
        script = "trap 'echo ended; exit 3' TERM; echo ready; while :; do sleep 0.1; done"
        with self.run(script) as process:
            assert process.stdout.readline() == "ready\n"
            process.terminate()
            assert process.stdout.read() == "ended\n"
        assert process.returncode == 3

    def test_ends_when_it_is_killed(self):
        with self.run(f"echo ready; sleep 4712.{os.getpid()}") as process:
            process.stdout.readline()
            process.send_signal(signal.SIGKILL)
        assert wait_for(lambda: not running(f"4712.{os.getpid()}"), deadline=10)


def running(text):
    command = ["ps", "-A", "-o", "args="]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if line.startswith("sleep") and text in line]


def test_two_runs_at_once_have_places_of_their_own(tmp_path):
    with on.free_place(tmp_path) as first, on.free_place(tmp_path) as second:
        assert (first.name, second.name) == ("1", "2")
    with on.free_place(tmp_path) as again:
        assert again == first


DEBOOTSTRAP = """#!/bin/sh
for each; do
    case "$each" in *.unfinished) mkdir -p "$each/{made}" ;; esac
done
exit {code}
"""


def test_what_a_broken_attempt_left_is_no_tree(tmp_path, monkeypatch):
    def debootstrap(made, code):
        file = tmp_path / "debootstrap"
        file.write_text(DEBOOTSTRAP.format(made=made, code=code))
        file.chmod(0o755)

    def run(command, *rest):
        return subprocess.run(command, check=False).returncode

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(enclosure, "run", run)
    sid = tree.Tree("sid")
    debootstrap("half", 1)
    with pytest.raises(tree.TreeError, match=r"cannot make sid: the end of .*/sid.log tells why"):
        sid.make()
    assert not sid.folder.exists()
    debootstrap("whole", 0)
    sid.make()
    assert [path.name for path in sid.folder.iterdir()] == ["whole"]
