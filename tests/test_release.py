"""A package is released as what its version, its changelog, its tag and its needs agree on."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts import ROOT
from scripts.packages import release
from scripts.packages.package import read_packages

PYPROJECT = """
[project]
name = "asyncworker-{name}"
dependencies = {needs}

[tool.hatch.version]
path = "src/version.py"
"""


@dataclass
class Tree:
    """A repository of two packages, `core` 1.2.0 and `http` 1.3.0, both ready for their tags."""

    root: Path

    def write(self, name, *, version=None, headings=(), needs=None):
        """Change what a package says."""
        folder = self.root / "packages" / name
        (folder / "src").mkdir(parents=True, exist_ok=True)
        if needs is not None:
            text = PYPROJECT.format(name=name, needs=needs)
            (folder / "pyproject.toml").write_text(text)
        if version is not None:
            (folder / "src" / "version.py").write_text(f'__version__ = "{version}"\n')
        if headings:
            lines = (f"## {heading}\n\n- What changed.\n" for heading in headings)
            (folder / "CHANGELOG.md").write_text("# Changelog\n\n" + "\n".join(lines))

    def git(self, *arguments):
        identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@localhost"]
        subprocess.run(["git", "-C", self.root, *identity, *arguments], check=True)

    def commit(self):
        self.git("init", "--quiet")
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "Work")


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path)
    tree.write(
        "core",
        version="1.2.0",
        headings=["[1.2.0] - 2026-03-01", "[1.1.0] - 2026-02-01"],
        needs=["click>=8"],
    )
    tree.write(
        "http",
        version="1.3.0",
        headings=["[1.3.0] - 2026-03-01"],
        needs=["asyncworker-core>=1.1.0"],
    )
    return tree


@pytest.fixture
def check(tree, capsys):
    """Run the command: its exit code, and what it says is wrong."""

    def run(*arguments):
        code = release.main(list(arguments), tree.root)
        return code, capsys.readouterr().err

    return run


def test_what_agrees_may_be_released(check):
    assert check("core-v1.2.0") == (0, "")
    assert check("http-v1.3.0") == (0, "")
    assert check() == (0, "")


def test_a_tag_of_another_version_is_refused(check):
    code, errors = check("core-v1.2.1")
    assert code == 1
    assert errors == (
        "release: core: the tag says 1.2.1, the package is 1.2.0: "
        "tag it core-v1.2.0, or raise its version first\n"
    )


@pytest.mark.parametrize("tag", ["v1.2.0", "core-1.2.0", "core", "core-v", "core/v1.2.0"])
def test_a_tag_of_another_form_is_no_release(check, tag):
    code, errors = check(tag)
    assert code == 2
    assert errors == (
        f"release: {tag!r} is no tag of a release: write PACKAGE-vVERSION, as core-v1.2.0\n"
    )


def test_a_package_that_is_not_there_is_no_release(check):
    assert check("kafka-v1.2.0") == (
        2,
        "release: 'kafka-v1.2.0': there is no package 'kafka', only core, http\n",
    )


def test_a_package_is_unreleased_until_it_is_tagged(check, tree):
    tree.write("core", headings=["[1.2.0] - unreleased"])
    tree.write("http", needs=["asyncworker-core>=1.2.0"])
    assert check() == (0, "")
    code, errors = check("core-v1.2.0")
    assert code == 1
    assert "CHANGELOG.md says that 1.2.0 is unreleased: write the day there" in errors


def test_what_it_needs_is_released_before_it(check, tree):
    tree.write("core", headings=["[1.2.0] - unreleased"])
    tree.write("http", needs=["asyncworker-core>=1.2.0"])
    assert check("http-v1.3.0") == (
        1,
        "release: http: it needs core 1.2.0, which is unreleased: release that first\n",
    )


@pytest.mark.parametrize(
    ("headings", "reason"),
    [
        (["[1.1.0] - 2026-02-01"], "begins with 1.1.0, the package is 1.2.0: change one of them"),
        (["[1.2.0] - soon"], "1.2.0 has 'soon' for a day: write 2026-01-31, or unreleased"),
        (["[1.2.0] - 2026-02-30"], "1.2.0 has '2026-02-30' for a day"),
        (["[1.2.0] - 20260301"], "1.2.0 has '20260301' for a day"),
        (["1.2.0"], "'1.2.0' is no heading of a release: write ## [1.2.3] - 2026-01-31"),
        (["[Unreleased]"], "'[Unreleased]' is no heading of a release"),
        (["[one] - 2026-03-01"], "Invalid version: 'one': write it as 1.2.3"),
        (
            ["[1.2.0] - 2026-03-01", "[1.3.0] - 2026-02-01"],
            "CHANGELOG.md has 1.2.0 above 1.3.0: the newest comes first, each once",
        ),
        (
            ["[1.2.0] - 2026-03-01", "[1.2.0] - 2026-02-01"],
            "CHANGELOG.md has 1.2.0 above 1.2.0",
        ),
        (
            ["[1.2.0] - 2026-03-01", "[1.1.0] - unreleased"],
            "CHANGELOG.md: 1.1.0 is unreleased, but not the newest",
        ),
    ],
)
def test_the_changelog_has_each_release_with_its_day(check, tree, headings, reason):
    tree.write("core", headings=headings)
    code, errors = check()
    assert code == 1
    assert reason in errors


def test_the_changelog_must_be_there(check, tree):
    changelog = tree.root / "packages" / "core" / "CHANGELOG.md"
    changelog.write_text("# Changelog\n")
    code, errors = check("core-v1.2.0")
    assert code == 1
    assert f"{changelog}: no release in it: write ## [1.2.3] - unreleased" in errors
    changelog.unlink()
    code, errors = check("core-v1.2.0")
    assert code == 1
    assert f"{changelog}: there is none: write what users will notice" in errors


def test_the_version_must_be_there(check, tree):
    file = tree.root / "packages" / "core" / "src" / "version.py"
    file.write_text("VERSION = 1\n")
    code, errors = check()
    assert code == 1
    assert f'{file}: no version: write __version__ = "1.2.3"' in errors


@pytest.mark.parametrize(
    ("need", "reason"),
    [
        (
            "asyncworker-core>=1.4.0",
            "it needs asyncworker-core>=1.4.0, which is 1.2.0 here: change one of them",
        ),
        (
            "asyncworker-core<1.2,>=1.1.0",
            "it needs asyncworker-core<1.2,>=1.1.0, which is 1.2.0 here: change one of them",
        ),
        (
            "asyncworker-core>=1.0.0",
            "it needs core 1.0.0, which the CHANGELOG.md of that has not",
        ),
        (
            "asyncworker-core",
            "it needs asyncworker-core of any version: write asyncworker-core>=VERSION",
        ),
    ],
)
def test_a_package_needs_versions_of_ours_that_there_are(check, tree, need, reason):
    tree.write("http", needs=[need])
    assert check() == (1, f"release: http: {reason}\n")


def test_a_tag_without_its_day_in_the_changelog_is_told(check, tree):
    tree.commit()
    tree.git("tag", "core-v1.1.5")
    assert check() == (
        1,
        "release: core: the tag core-v1.1.5 is there, but CHANGELOG.md has no day for 1.1.5\n",
    )


def test_code_that_changes_after_its_release_gets_a_new_version(check, tree):
    tree.commit()
    tree.git("tag", "core-v1.2.0")
    assert check() == (0, "")
    (tree.root / "packages" / "core" / "src" / "more.py").write_text("")
    tree.git("add", ".")
    code, errors = check()
    assert code == 1
    assert "its code is not that of core-v1.2.0 any more: raise its version" in errors
    tree.write("core", version="1.2.1", headings=["[1.2.1] - unreleased", "[1.2.0] - 2026-03-01"])
    tree.write("http", needs=["asyncworker-core>=1.2.0"])
    assert check() == (0, "")


def test_nothing_is_built_that_may_not_be_released(check, tree):
    code, _ = check("--build", "core-v1.2.1")
    assert code == 1
    assert not (tree.root / "dist").exists()
    with pytest.raises(SystemExit, match="2"):
        check("--build")


def test_builds_the_one_package_that_is_tagged(tmp_path):
    old = tmp_path / "dist" / "asyncworker_timeit-0.0.1.tar.gz"
    old.parent.mkdir()
    old.touch()
    package = read_packages()["timeit"]
    assert release.build(package, old.parent) == 0
    name = f"asyncworker_timeit-{package.version}"
    built = {file.name for file in old.parent.iterdir() if not file.name.startswith(".")}
    assert built == {f"{name}-py3-none-any.whl", f"{name}.tar.gz"}


def test_the_packages_of_this_repository_agree(capsys):
    assert release.main([], ROOT) == 0, capsys.readouterr().err
    assert list(read_packages()) == ["core", "http", "rabbitmq", "sse", "timeit"]
