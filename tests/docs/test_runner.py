"""What the runner of pages sees, and how it says where."""

import gc
import os
from pathlib import Path
from textwrap import dedent

import pytest

from tests.docs import program, terminal
from tests.docs.blocks import Page, Wrong
from tests.docs.page import run_page
from tests.docs.translation import differences

WORKER = """\
from asyncworker import App, RouteTypes
from asyncworker.connections import AMQPConnection

app = App(connections=[AMQPConnection(url="memory://")])


@app.route(["orders"], type=RouteTypes.AMQP_RABBITMQ)
async def store(messages):
    for message in messages:
        print(message.body)
"""


def page(text):
    return Page.parse("page.md", dedent(text))


def block(info, content, directive=""):
    return f"{directive}\n```{info}\n{content}\n```\n"


@pytest.fixture
def run(tmp_path):
    """Run a page; return what is wrong with it, or an empty text."""

    def run(text):
        try:
            run_page(page(text), tmp_path)
        except Wrong as wrong:
            return str(wrong)
        return ""

    return run


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("x = 1\ny = 1 / 0", "page.md:4: ZeroDivisionError: division by zero"),
        ("x = 1\ny = z", "page.md:4: NameError: name 'z' is not defined"),
        ("x =", "page.md:3: SyntaxError: "),
        ("import nothing_at_all", "page.md:3: ModuleNotFoundError: No module named"),
        ("raise SystemExit(1)", "page.md:3: SystemExit: 1"),
        ("def f():\n    return [later\n        for x in y]", "page.md:4: 'later' is not defined"),
        ("print('a')\nprint('b')  # prints c", "page.md:4: expected 'c'; it printed:\na\nb\n"),
        ("print('a')  # prints a\nprint('b')", "page.md:3: expected nothing after 'a'; it printed"),
        ("import os\nos.write(2, b'')\ndef test_it(): ...", "page.md:2: nobody runs this test"),
        ("import os\nos.environ['ASYNCWORKER_LOOPS'] = 'x'", "page.md:4: there is no setting"),
    ],
)  # fmt: skip
def test_wrong_python_is_reported(run, text, wrong):
    assert run(block("python", text)).startswith(wrong)


def test_the_python_of_a_page_is_one_program_with_the_files_beside_it(run):
    text = [
        block('python title="shop/orders.py"', WORKER + "\n\nCOUNT = 7\n"),
        block("python", "from shop.orders import COUNT, app\n\n\ndef show():\n    late()\n"),
        block('python title="shop/orders.py"', WORKER + "\n\nCOUNT = 8\n"),
        block("python", "def late():\n    print(COUNT, orders.COUNT)\n"),
        block("python", "from shop import orders\n\nshow()  # prints 7 8\napp.run()\n"),
    ]
    assert run("".join(text)) == ""


def test_an_app_that_would_run_is_tried(run):
    gone = 'raise RuntimeError("gone")'
    hooks = f"\n\n@app.run_on_shutdown\nasync def hook(app):\n    {gone}\n\n\napp.run()\n"
    wrong = run(block("python", WORKER + hooks))
    assert wrong.startswith("page.md:20: under TestApp: ")
    assert "gone" in wrong


def test_an_app_with_problems_is_reported(run, monkeypatch):
    monkeypatch.setattr(program, "SETTLED", 0.1)
    source = WORKER + (
        "\n\nclass Sick(App):\n    problems = ['ill']\n\n\nSick().run()\n"
    )  # fmt: skip
    assert run(block("python", source)) == (
        "page.md:19: under TestApp: AssertionError: app.problems: ['ill']"
    )


@pytest.mark.parametrize(
    ("source", "wrong"),
    [
        ("x = 1\nimport nothing_at_all", "page.md:4: ModuleNotFoundError: "),
        ("x = (", "page.md:3: SyntaxError: "),
        ("def f():\n    return g()", "page.md:4: 'g' is not defined"),
    ],
)
def test_a_file_that_cannot_be_imported_is_reported(run, source, wrong):
    assert run(block('python title="shop.py"', source)).startswith(wrong)


TESTED = "def test_it():\n    assert {value} == 1\n"


def test_tests_are_run_by_a_command_of_the_page(run):
    test = block('python title="test_it.py"', TESTED.format(value=1))
    assert run(test + block("console", "$ pytest -q\n...\n. ... [100%]\n1 passed in ...s")) == ""


def test_a_test_that_fails_is_reported(run):
    test = block('python title="test_it.py"', TESTED.format(value=2))
    wrong = run(test + block("console", "$ pytest -q"))
    assert wrong.startswith("page.md:9: exit code 1, not 0, of: pytest -q\n")
    assert "assert 2 == 1" in wrong


@pytest.mark.parametrize(
    ("command", "directive"),
    [
        ("$ pip install pytest", ""),
        ("$ echo pytest", ""),
        ("$ pytest", "<!-- run: no, because it is late -->"),
    ],
)
def test_a_test_that_nobody_runs_is_reported(run, command, directive):
    test = block('python title="test_it.py"', TESTED.format(value=1))
    wrong = run(test + block("console", command, directive))
    assert wrong == "page.md:2: no command below it runs pytest"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("$ echo a\n$ echo b\nc", "page.md:5: expected 'c'; it printed:\nb\n"),
        ("$ printf 'a\\nb\\n'\na", "page.md:4: expected nothing after 'a'; it printed:"),
        ("$ printf 'a\\nb\\n'\na\nb\nc", "page.md:6: expected 'c'; it printed:"),
        ("$ printf 'a\\nb\\nc\\n'\na\n...\nd", "page.md:6: expected 'd'; it printed:"),
        ("""$ echo '{"logged_at": 1}'\n{"logged_at": 2}""", "page.md:4: expected '{\"logged_at"),
        ("$ false", "page.md:3: exit code 1, not 0, of: false\n"),
        ("$ false\n$ true", "page.md:3: exit code 1, not 0, of: false\n"),
        ("echo", "page.md:3: this is neither '$ command' nor its output"),
        ("$ hatch run lint", "page.md:3: commands of hatch are not run here"),
        ("$ pip install asyncworker-cor", "page.md:3: there is no distribution 'asyncworker-cor'"),
        ("$ pip install -U \\\n  'asyncworker-core[crom]'", "page.md:3: asyncworker-core has no"),
        ("$ ASYNCWORKER_LOOPS=asyncio true", "page.md:3: there is no setting ASYNCWORKER_LOOPS"),
        ("$ ASYNCWORKER_LOOP=asyncoi true", "page.md:3: ASYNCWORKER_LOOP: input should"),
    ],
)
def test_wrong_commands_are_reported(run, text, wrong):
    assert run(block("console", text)).startswith(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "$ printf 'a\\nb\\nc\\n'\n...\nc",
        "$ printf 'a\\nb\\nc\\n'\na\n...",
        "$ printf 'a\\nb\\nc\\n'\na\n...\nb\nc",
        """$ printf 'a\\n{"logged_at": 1}\\nb\\n{"logged_at": 2}\\n'\na\nb""",
        "$ echo took 0.1s\ntook ...s",
        "$ echo said >&2\nsaid",
        "$ echo a \\\n    b\na b",
        "$ cat <<END\n> a\n> END\na",
        "$ mkdir -p a/b && cd a/b\n$ size=3\n$ echo $size $(basename $PWD)\n3 b",
        "$ pip install asyncworker-core[rabbitmq,timeit] 'pytest>=8' -r requirements.txt",
        "$ python -m venv .venv && . .venv/bin/activate\n$ test ! -e .venv",
    ],
)
def test_right_commands_are_not(run, text):
    assert run(block("console", text)) == ""


def test_a_command_that_never_ends_is_ended(run, monkeypatch):
    monkeypatch.setattr(terminal, "LIMIT", 0.5)
    wrong = run(block("console", "$ echo $$ && sleep 1000 & wait"))
    assert wrong.startswith("page.md:3: not ended within 0.5 s; it printed:\n")
    with pytest.raises(ProcessLookupError):
        os.kill(int(wrong.split()[-1]), 0)


def test_the_exit_code_can_be_another(run):
    assert run(block("console", "$ true\n$ exit 3", "<!-- run: exit 3 -->")) == ""


def test_a_command_that_fails_may_have_been_given_a_wrong_value(run):
    text = "$ ASYNCWORKER_LOOP=threads asyncworker --version\n$ false"
    assert run(block("console", text, "<!-- run: exit 1 -->")) == ""


def test_a_wrong_exit_code_is_reported(run):
    wrong = run(block("console", "$ true", "<!-- run: exit 3 -->"))
    assert wrong == "page.md:3: exit code 0, not 3, of: true\n"


SERVER = (
    "$ python -c 'import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [2]); "
    "print(1, flush=True); signal.sigwait([2]); {end}'"
)


def test_a_command_that_goes_on_is_interrupted_at_the_end(run):
    end = 'open("end", "w").write("x")'
    text = block("console", SERVER.format(end=end) + "\n1", '<!-- run: until "1" -->')
    assert run(text + block("console", "$ test ! -e end")) == ""


def test_a_command_is_interrupted_where_the_page_shows_it(run):
    text = SERVER.format(end='print("last")') + "\n1\n^C\nlast\n$ echo next\nnext"
    assert run(block("console", text)) == ""


def test_a_page_can_come_back_to_what_goes_on(run):
    loop = "$ echo a; until test -e b; do :; done; echo b; exec sleep 1000"
    text = [
        block("console", loop + "\na", '<!-- run: until "a" -->'),
        block("console", "$ touch b"),
        block("console", "b\n^C"),
    ]
    assert run("".join(text)) == "page.md:2: exit code -2, not 0, after SIGINT\na\nb\n"


def test_a_command_that_ended_by_itself_is_reported(run):
    ended = "$ until grep -q 'State:.Z' /proc/$(cat pid)/status; do :; done"
    text = block("console", "$ echo $$ > pid; echo 1", '<!-- run: until "1" -->')
    wrong = run(text + block("console", ended))
    assert wrong == "page.md:2: it ended before it was interrupted\n1\n"


def test_port_8080_is_a_free_one(run):
    python = "import os\nprint(os.environ['ASYNCWORKER_HTTP_PORT'])  # prints 8080\n"
    console = "$ test $ASYNCWORKER_HTTP_PORT != 80${x}80\n$ echo $ASYNCWORKER_HTTP_PORT\n8080"
    assert run(block("python", python) + block("console", console)) == ""


def test_port_9000_is_another_free_one(run):
    console = "$ test 9000 != 90${x}00 -a 9000 != 8080\n$ echo 9000\n9000"
    assert run(block("console", console)) == ""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (SERVER.format(end="") + "\n1\n^C\n2", "page.md:6: expected '2'; it printed:\n1\n"),
        (SERVER.format(end="exit(3)"), "page.md:2: exit code 3, not 0, after SIGINT\n1\n"),
        ("$ echo 2", "page.md:3: expected '1'; it printed:\n2\n"),
    ],
)
def test_one_that_goes_wrong_is_reported(run, text, wrong):
    assert run(block("console", text, '<!-- run: until "1" -->')) == wrong


def test_one_that_never_prints_what_the_page_shows_is_reported(run, monkeypatch):
    monkeypatch.setattr(terminal, "LIMIT", 5)
    text = block("console", "$ echo 1; exec sleep 1000\n1\n2", '<!-- run: until "1" -->')
    assert run(text) == "page.md:5: expected '2'; it printed:\n1\n"


@pytest.mark.parametrize(
    ("language", "content"),
    [
        ("console", "$ cp $(nowhere) | true"),
        ("console", "$ asyncworker run shop --workers 3 && hatch run lint"),
        ("python", "raise ValueError"),
        ("yaml", "a: [b, c]"),
    ],
)
def test_what_is_not_to_be_run_is_not(run, language, content):
    assert run(block(language, content, "<!-- run: no, because it needs a cluster -->")) == ""


@pytest.mark.parametrize(
    ("language", "content", "wrong"),
    [
        ("console", "$ echo (", "page.md:3: bash: -c: line 1: syntax error"),
        (
            "console",
            "$ asyncworker run shop --worker 3",
            "page.md:3: asyncworker run shop --worker",
        ),
        ("console", "$ asyncworker start shop", "page.md:3: asyncworker start shop: there is no"),
        ("console", "$ hatch run lnt", "page.md:3: there is no script for: hatch run lnt"),
        ("console", "$ hatch run lowst:unit", "page.md:3: there is no script for: hatch run low"),
        ("python", "x =", "page.md:3: SyntaxError: "),
        ("yaml", "a: [b", "page.md:2: no YAML: "),
    ],
)
def test_its_form_is_looked_at_all_the_same(run, language, content, wrong):
    directive = "<!-- run: no, because it needs a cluster -->"
    assert run(block(language, content, directive)).startswith(wrong)


@pytest.mark.parametrize(
    ("language", "content", "wrong"),
    [
        ("json", '{"a": 1,}', "page.md:2: "),
        ("toml", "a = b", "page.md:2: "),
        ("ini", "[a\nb", "page.md:2: no INI: "),
        ("ini", "[Service]\nEnvironment=ASYNCWORKER_HTTP_POTS=1", "page.md:4: there is"),
        ("ini", "ASYNCWORKER_HTTP_PORT=70000", "page.md:3: ASYNCWORKER_HTTP_PORT: input should"),
        ("yaml", "env:\n  - name: ASYNCWORKER_HTTP_POT\n    value: 1", "page.md:4: there is no"),
        ("yaml", "env:\n  - name: ASYNCWORKER_LOOP\n    value: uv", "page.md:2: ASYNCWORKER_"),
        ("yaml", "env:\n  ASYNCWORKER_LOOP: uv", "page.md:2: ASYNCWORKER_LOOP: input should"),
        ("dockerfile", "RUN true", "page.md:2: a Dockerfile begins with FROM"),
        ("dockerfile", "FROM a\nRUM true", "page.md:2: no instruction of a Dockerfile: 'RUM'"),
        ("dockerfile", "FROM a\nCMD ['a']", "page.md:2: "),
        ("dockerfile", "FROM a\nRUN pip install asyncworker", "page.md:4: there is no"),
        ("dockerfile", "FROM a\nENV ASYNCWORKER_LOOP=uv", "page.md:4: ASYNCWORKER_LOOP: "),
        ("ruby", "x", "page.md:2: nothing is known of the language 'ruby'"),
    ],
)  # fmt: skip
def test_wrong_configuration_is_reported(run, language, content, wrong):
    assert run(block(language, content)).startswith(wrong)


@pytest.mark.parametrize(
    ("language", "content"),
    [
        ("json", '{"a": 1}'),
        ("toml", 'a = "b"'),
        ("ini", "[Service]\nEnvironment=ASYNCWORKER_HTTP_PORT=1\nEnvironment=A=2"),
        ("ini", "ASYNCWORKER_HTTP_PORT=7000\nASYNCWORKER_LOGLEVEL=debug"),
        ("yaml", "env:\n  - name: ASYNCWORKER_LOOP\n    value: uvloop\n---\na: b"),
        ("dockerfile", '# syntax\nFROM a\n\nRUN a \\\n    # b\n    c\nCMD ["a"]'),
        ("mermaid", "graph TD"),
        ("text", "ASYNCWORKER_LOOPS"),
    ],
)
def test_right_configuration_is_not(run, language, content):
    assert run(block(language, content)) == ""


def test_titled_blocks_are_files(run):
    text = block('ini title="a/pytest.ini"', "[pytest]")
    assert run(text + block("console", "$ cat a/pytest.ini\n[pytest]")) == ""


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```\nx\n```", "page.md:1: a block of no language"),
        ("a\n\n    x", "page.md:3: an indented code block: put it between fences"),
        ("!!! note\n\n    ```python\n    x\n    ```", "page.md:4: NameError: name 'x'"),
        (
            '=== "A"\n    !!! note\n        ```python\n        x\n        ```',
            "page.md:4: NameError",
        ),
        ("1. a\n\n    ```python\n    x\n    ```", "page.md:4: NameError: name 'x'"),
        ("<!-- run: on -->\n```text\n```", "page.md:1: run: 'on' is none of: exit N, until"),
        ("<!-- run: no -->\n```text\n```", "page.md:1: run: 'no' is none of: exit N, until"),
        ("<!-- run: exit 1 -->\n\n```text\n```", "page.md:1: this comment is not on the line"),
        ("<!-- run: exit 1 -->\n```python\nx = 1\n```", "page.md:2: a console block alone"),
        ("a\nsee `ASYNCWORKER_LOOPS`", "page.md:1: there is no setting ASYNCWORKER_LOOPS"),
        ("a\n\n`hatch run lnt`", "page.md:3: there is no script for: hatch run lnt"),
        ("| a |\n|---|\n| `pip install asyncworker-cor` |", "page.md:3: there is no distribution"),
    ],
)
def test_wrong_pages_are_reported(run, text, wrong):
    assert run(text).startswith(wrong)


ENGLISH = """\
# Title

## One { #one }

A [link](other.md#a).

<!-- run: exit 1 -->
```console
$ echo a
a
```

```text
words
```
"""


@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("$ echo a", "$ echo b", "two.md:9: the line '$ echo b', where one.md:9 has '$ echo a'"),
        ("\na\n```", "\n```", "two.md:10: the line None, where one.md:10 has 'a'"),
        ("console", "text", "two.md:8: the language 'text', where one.md:8 has 'console'"),
        ("console", 'console title="a"', "two.md:8: the title 'a', where one.md:8 has None"),
        ("exit 1", "exit 2", "two.md:8: the exit code 2, where one.md:8 has 1"),
        ("exit 1", 'until "a"', "two.md:8: the exit code 0, where one.md:8 has 1"),
        ("exit 1", "no, because it is so", "two.md:8: the exit code 0, where one.md:8 has 1"),
        ("```text\nwords\n```", "", "one.md:13: this block is in one language alone"),
        ("words\n```", "words\n```\n```text\n```", "two.md:16: this block is in one"),
        ("## One", "### One", "two.md:3: the heading '### { #one }', where one.md:3 has '## {"),
        ("{ #one }", "{ #um }", "two.md:3: the heading '## { #um }', where one.md:3 has '## {"),
        ("# Title\n", "", "two.md:2: the heading '## { #one }', where one.md:1 has '# { #None }'"),
        ("```text", "## More\n```text", "two.md:13: this heading is in one language alone"),
        ("other.md#a", "other.md", "two.md:1: the link to other.md#a is missing"),
        ("other.md#a", "x.pt-BR.md", "two.md:1: the link to other.md#a is missing"),
    ],
)  # fmt: skip
def test_a_translation_that_differs_is_reported(old, new, wrong):
    one, two = Page.parse("one.md", ENGLISH), Page.parse("two.md", ENGLISH.replace(old, new))
    first, *_ = differences(one, two)
    assert str(first).startswith(wrong)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Title", "Título"),
        ("words", "palavras"),
        ("A [link](other.md#a)", "Veja [o outro](other.md#a) e `isto`"),
    ],
)
def test_words_may_differ(old, new):
    one, two = Page.parse("one.md", ENGLISH), Page.parse("two.md", ENGLISH.replace(old, new))
    assert list(differences(one, two)) == []


def test_a_run_puts_back_what_it_changes(run):
    before = Path.cwd(), dict(os.environ)
    assert run(block("python", "import os\nos.environ['X'] = '1'\nos.chdir('/')")) == ""
    assert before == (Path.cwd(), dict(os.environ))


def test_what_a_program_leaves_open_is_no_matter_of_other_tests(run):
    opened = "import sqlite3\n\ndatabase = sqlite3.connect(':memory:')\n"
    text = block('python title="database.py"', opened) + block("python", opened)
    assert run(text + "import database\n" + text) == ""
    gc.collect()
