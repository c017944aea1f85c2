"""What tests of several folders share: the wheels, built once."""

import pytest

from tests.wheels import Wheel, build_wheels


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    return build_wheels(tmp_path_factory.mktemp("wheels"))
