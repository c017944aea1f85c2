"""What mkdocs calls while it builds the site."""

from __future__ import annotations

import logging
import re
import shutil
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mkdocs.plugins import event_priority

from scripts.pages.commands import command
from scripts.pages.documents import with_documents
from scripts.pages.languages import missing
from scripts.pages.search import rebased, split_index
from scripts.pages.tables import table

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

log = logging.getLogger("mkdocs.hooks")

DIRECTION: Final = re.compile(r"^<!-- run: .* -->\n", re.MULTILINE)
"""What tells the tests how to run a block, and the reader nothing."""
GENERATED: Final = re.compile(r"^<!-- (table|command): (.+) -->$", re.MULTILINE)
"""Where a table of settings, options or arguments goes, or what a command does."""


@event_priority(100)
def on_config(config: MkDocsConfig) -> None:
    """Tell the reference in which language the site is built now, before it is read."""
    i18n, reference = config.plugins["i18n"], config.plugins["mkdocstrings"]
    language = i18n.current_language or i18n.default_language
    reference.config.locale = language
    reference.config.handlers["python"]["options"]["extensions"] = [
        {"scripts.pages.reference:Reference": {"language": language}}
    ]


def on_files(files: Files, **_others: Any) -> None:
    """Refuse pages that are there in one language alone: what warns fails a strict build."""
    for page in missing(file.src_uri for file in files.documentation_pages()):
        log.warning("the page %s is missing", page)


def on_page_markdown(markdown: str, config: MkDocsConfig, **_others: Any) -> str:
    """Leave out what is there for the tests; put in documents, and what is made from the code."""
    language = config.plugins["i18n"].current_language
    makers = {"table": table, "command": command}

    def make(marker: re.Match[str]) -> str:
        made = makers[marker[1]](marker[2], language)
        return f'<div class="reference" markdown>\n\n{made}\n\n</div>'

    return with_documents(GENERATED.sub(make, DIRECTION.sub("", markdown)))


def on_page_content(html: str, **_others: Any) -> str:
    """Have no source of a diagram found by the search."""
    return html.replace('<pre class="mermaid">', '<pre class="mermaid" data-search-exclude>')


def on_post_template(
    output_content: str, template_name: str, config: MkDocsConfig, **_others: Any
) -> str:
    """Keep the page of a 404, of which there is one, in English: what is empty is not written."""
    is_english = config.plugins["i18n"].is_default_language_build
    return "" if template_name == "404.html" and not is_english else output_content


def on_post_page(output: str, config: MkDocsConfig, **_others: Any) -> str:
    """Have Portuguese pages search Portuguese pages."""
    return output if config.plugins["i18n"].is_default_language_build else rebased(output)


# After the build of all languages, which ends in this event of another plugin.
@event_priority(-200)
def on_post_build(config: MkDocsConfig, **_others: Any) -> None:
    """Give each language its search, and the site Mermaid: it loads nothing from elsewhere."""
    split_index(Path(config.site_dir), "pt-BR")
    target = Path(config.site_dir, "assets", "javascripts", "mermaid.js")
    with as_file(files("mermaidx") / "assets" / "mermaid.js") as source:
        shutil.copyfile(source, target)
