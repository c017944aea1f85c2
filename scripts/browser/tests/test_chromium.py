"""A browser is found, or installed, or asked for."""

import pytest

from scripts.browser import chromium


@pytest.fixture
def machine(monkeypatch):
    """A machine without a browser: the programs on it, and what was installed."""
    programs, installed = set(), []
    monkeypatch.setattr(
        chromium.shutil, "which", lambda name: f"/usr/bin/{name}" if name in programs else None
    )
    monkeypatch.setattr(chromium.apt, "is_at_hand", lambda: True)

    def install(package):
        installed.append(package)
        programs.add(package)

    monkeypatch.setattr(chromium.apt, "install", install)
    return programs, installed


@pytest.mark.parametrize("name", chromium.NAMES)
def test_an_installed_browser_is_taken(name, machine):
    programs, installed = machine
    programs.add(name)
    assert chromium.find_or_install() == f"/usr/bin/{name}"
    assert installed == []


def test_a_missing_browser_is_installed(machine):
    assert chromium.find_or_install() == "/usr/bin/chromium"
    assert machine[1] == ["chromium"]


def test_what_to_install_is_said_where_that_is_not_possible(machine, monkeypatch):
    monkeypatch.setattr(chromium.apt, "is_at_hand", lambda: False)
    with pytest.raises(chromium.BrowserMissing, match="install Debian's package chromium"):
        chromium.find_or_install()


def test_what_to_install_is_said_where_that_fails(machine, monkeypatch):
    monkeypatch.setattr(chromium.apt, "install", lambda package: False)
    with pytest.raises(chromium.BrowserMissing, match="install Debian's package chromium"):
        chromium.find_or_install()
