from pathlib import Path

from mypy import api


def test_the_public_api_passes_a_strict_type_checker(tmp_path):
    # Ignored errors that do not occur are errors, so the wrong uses in the file are checked too.
    output, errors, status = api.run(
        [
            "--strict",
            "--config-file=",
            f"--cache-dir={tmp_path}",
            str(Path(__file__).with_name("typing_usage.py")),
        ]
    )
    assert (output.splitlines()[-1:], errors, status) == (
        ["Success: no issues found in 1 source file"],
        "",
        0,
    ), output
