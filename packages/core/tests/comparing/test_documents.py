"""Files that hold a document, and files that do not."""

import pytest

from asyncworker.comparing.documents import NoDocument, compared, read


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{", "is no JSON: "),
        (b"\xff", "is no JSON: "),
        (b"[]", "holds no document of AsyncAPI or OpenAPI"),
        (b"{}", "holds no document of AsyncAPI or OpenAPI"),
        (b'{"asyncapi": "2.6.0"}', "is of asyncapi 2.6.0: only 3 is read"),
        (b'{"openapi": null}', "is of openapi None: only 3 is read"),
    ],
)
def test_a_file_without_a_document_is_one_line(tmp_path, text, reason):
    file = tmp_path / "told.json"
    file.write_bytes(text)
    with pytest.raises(NoDocument, match=reason) as caught:
        read(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    file = tmp_path / "told.json"
    with pytest.raises(NoDocument, match=f"cannot read {file}: No such file or directory"):
        read(file)


@pytest.mark.parametrize("format", ["asyncapi", "openapi"])
def test_a_document_without_parts_is_read(tmp_path, format):
    file = tmp_path / "told.json"
    file.write_text(f'{{"{format}": "3.1.0", "paths": 5, "operations": {{"a": 5}}}}')
    assert read(file)[0] == format
    old = read(file)[1]
    assert compared(format, old, old) == []
