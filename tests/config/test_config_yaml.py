"""The YAML that a configuration is written in: what is read, what is refused, what never fails."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ffhost.config import ConfigSources, attempt_config, load_config
from ffhost.config.diagnostics import ConfigProblem, show_config_problems
from ffhost.config.dotenv import read_dotenv
from ffhost.config.files import MAX_BYTES, read_config_text
from ffhost.config.interpolation import MissingVariable, interpolate_variables
from ffhost.config.nodes import ConfigNode, ConfigText, read_plain_scalar
from ffhost.config.yaml_reader import YamlError, read_yaml
from tests.config.test_config_bad import CASES, CONFIGS, message_of


def value_of(node: ConfigNode) -> object:
    if isinstance(node.value, dict):
        return {key: value_of(value) for key, (_, value) in node.value.items()}
    if isinstance(node.value, list):
        return [value_of(each) for each in node.value]
    return node.value


def parsed(text: str) -> object:
    problems: list[ConfigProblem] = []
    node = read_yaml(ConfigText("test.yaml", file=Path("test.yaml"), text=text), problems)
    assert problems == []
    return value_of(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("yes", "yes"),
        ("NO", "NO"),
        ("1:30", "1:30"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
        ("=", "="),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-7", -7),
        ("0", 0),
        ("0o17", 15),
        ("0xFF", 255),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        (".inf", float("inf")),
        ("1.2.3", "1.2.3"),
        ("-", "-"),
        (".", "."),
    ],
)
def test_plain_scalars_follow_yaml_1_2_and_surprise_nobody(text: str, value: object) -> None:
    assert read_plain_scalar(text) == value
    assert type(read_plain_scalar(text)) is type(value)


def test_keys_stay_the_texts_that_were_written() -> None:
    assert parsed("on: 1\nyes: 2\n1:30: 3\n010: 4\nnull: 5\n1.0: 6\n") == {
        "on": 1,
        "yes": 2,
        "1:30": 3,
        "010": 4,
        "null": 5,
        "1.0": 6,
    }


def test_functions_may_have_names_that_yaml_1_1_takes_for_switches(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text("functions:\n  on: {target: m:a}\n  no: {target: m:b}\n")
    loaded = load_config(ConfigSources("f.yaml", {}, {}, [], tmp_path))
    assert list(loaded.settings.functions) == ["on", "no"]
    assert loaded.settings.functions["on"].path == "/on"


def test_anchors_merge_keys_and_own_values_that_win() -> None:
    text = (
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\n"
        "c: {<<: [*a, *b], x: 3}\nd: {<<: *c}\ne: *a\nf: {'<<': 1}\n"
    )
    assert parsed(text.replace("c: {", "c: &c {")) == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"x": 3, "y": 1, "z": 2},
        "d": {"x": 3, "y": 1, "z": 2},
        "e": {"x": 1, "y": 1},
        "f": {"<<": 1},
    }


def test_block_scalars_quotes_and_the_string_tag() -> None:
    text = "a: |\n  one\n  two\nb: '5'\nc: \"\\u00e9\"\nd: !!str 5\ne: >-\n  one\n  two\n"
    assert parsed(text) == {"a": "one\ntwo\n", "b": "5", "c": "é", "d": "5", "e": "one two"}


def test_keys_with_x_are_free_at_every_level_but_data_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "x-a: [1, {b: 2}]\n"
        "server: {x-b: 1, port: 1}\n"
        "logging: {levels: {x-c: whatever, a: info}}\n"
        "tracing: {x-d: 1, hooks: {x-e: 1, otel: {x-f: 1, options: {x-g: 1}}}}\n"
        "functions:\n"
        "  x-template: &t {timeout: ${NOT_SET}}\n"
        "  hello:\n"
        "    x-h: 1\n"
        "    target: m:a\n"
        "    cors: {x-i: 1, allow_origins: ['*']}\n"
        "    config: {x-j: 1}\n"
        "    examples:\n"
        "      - x-k: 1\n"
        "        request: {headers: {x-request-id: a}, json: {x-l: 1}}\n"
    )
    # a reference inside braces would be no YAML
    text = (tmp_path / "f.yaml").read_text().replace("${NOT_SET}", '"${NOT_SET}"')
    (tmp_path / "f.yaml").write_text(text)
    loaded = load_config(ConfigSources("f.yaml", {}, {}, [], tmp_path)).settings
    assert list(loaded.functions) == ["hello"]
    assert loaded.logging.levels == {"a": "info"}
    assert loaded.tracing.hooks["otel"].options == {"x-g": 1}
    hello = loaded.functions["hello"]
    assert hello.config == {"x-j": 1}
    request = hello.examples[0].request
    assert request is not None
    assert request.headers == {"x-request-id": "a"}
    assert request.payload == {"x-l": 1}


def test_a_plain_reference_is_typed_again_and_a_quoted_one_stays_a_text(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_text(
        "server:\n  port: ${P}\n  debug: ${D:-true}\n"
        "functions:\n  hello:\n    target: ${MODULE}:hello\n    config:\n"
        '      plain: ${P}\n      quoted: "${P}"\n      both: ${P}-${P}\n'
        "      literal: $${P}\n      default: ${NONE:-a b}\n      empty: '${EMPTY:-full}'\n"
        "      ${P}: key\n      lone: $P and $\n      evil: ${EVIL}\n"
    )
    environ = {"P": "81", "MODULE": "app.main", "EMPTY": "", "EVIL": "[1, ${P}]"}
    loaded = load_config(ConfigSources("f.yaml", environ, {}, [], tmp_path)).settings
    assert (loaded.server.port, loaded.server.debug) == (81, True)
    assert loaded.functions["hello"].target == "app.main:hello"
    assert loaded.functions["hello"].config == {
        "plain": 81,
        "quoted": "81",
        "both": "81-81",
        "literal": "${P}",
        "default": "a b",
        "empty": "full",
        "${P}": "key",
        "lone": "$P and $",
        "evil": "[1, ${P}]",
    }


def test_a_byte_order_mark_and_windows_lines_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(
        b"\xef\xbb\xbffunctions:\r\n  hello:\r\n    target: m:a\r\n    timeuot: 1s\r\n"
    )
    found = attempt_config(ConfigSources("f.yaml", {}, {}, [], tmp_path))
    assert [each.origin and each.origin.place for each in found.problems] == ["f.yaml:4:5"]


def test_a_file_over_a_sane_size_is_refused_unread(tmp_path: Path) -> None:
    (tmp_path / "f.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    found = attempt_config(ConfigSources("f.yaml", {}, {}, [], tmp_path))
    assert (
        show_config_problems(found.problems)
        == "f.yaml: larger than 8MiB; this is not a configuration\n"
    )


def test_a_name_that_cannot_be_opened_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    for name in ("", "a\x00b", "x" * 5000, "."):
        problems: list[ConfigProblem] = []
        assert read_config_text(tmp_path / name, name, problems, None) is None
        assert len(problems) == 1
    assert attempt_config(ConfigSources("a\x00b", {}, {}, [], tmp_path)).problems
    assert attempt_config(ConfigSources("x" * 5000, {}, {}, [], tmp_path)).problems


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML was built without libyaml")
def test_both_parsers_give_the_same_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    different = [
        case for case in CASES if message_of(case) != (CONFIGS / f"{case}.txt").read_text()
    ]
    assert different == []


# ── hostile input ─────────────────────────────────────────────────────────────

FRAGMENTS = st.sampled_from(
    [
        "functions:", "server:", "hello:", "target: main.py:hello", "port: ", "${", "${A}", "$${",
        "${A:-b}", "&a ", "*a", "<<: *a", "? ", "- ", "{", "}", "[", "]", ",", ": ", "'", '"',
        "|", ">", "\t", "\n", "\n  ", "\n    ", "%", "@", "`", "!", "!!str ", "---", "...", "#",
        "\x00", "\x85", "\u2028", "\ufeff", "é", "😀", "x-a:", "timeout: 1:30", "0o8", "~", "\\x",
        "from_env: A", "from_file: /etc/hostname", "config:", "path: /{id}", "methods: [get]",
    ]
)  # fmt: skip
YAML_TEXT = st.lists(FRAGMENTS | st.text(max_size=4), max_size=30).map("".join)


@given(YAML_TEXT)
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    source = ConfigText(
        "test.yaml", file=Path("test.yaml"), text=text.encode("utf-8", "replace").decode()
    )
    problems: list[ConfigProblem] = []
    try:
        read_yaml(source, problems)
    except YamlError as error:
        problems.append(error.problem)
    show_config_problems(problems)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@given(data=st.binary(max_size=40) | YAML_TEXT.map(lambda text: text.encode("utf-8", "replace")))
def test_no_file_makes_loading_fail_in_another_way(scratch: Path, data: bytes) -> None:
    (scratch / "f.yaml").write_bytes(data)
    found = attempt_config(ConfigSources("f.yaml", {"A": "1"}, {}, [], scratch))
    assert (found.config is None) == bool(found.problems)
    show_config_problems(found.problems)


SECTIONS = ["functions", "server", "tracing", "logging", "defaults", "env_file"]
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["functions", "server", "port", "hello", "target", "config", "tracing", "hooks",
             "options", "examples", "request", "json", "cors", "allow_origins", "methods", "path",
             "defaults", "timeout", "x-a", "from_env", "from_file", "env_file", "logging", "levels"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    tree=st.dictionaries(
        st.sampled_from(["functions", "server", "tracing", "logging", "defaults", "env_file"]),
        TREES,
    )
)
def test_no_tree_of_right_keys_and_wrong_values_fails_in_another_way(
    scratch: Path, tree: dict[str, object]
) -> None:
    (scratch / "tree.yaml").write_text(yaml.safe_dump(tree, allow_unicode=True), encoding="utf-8")
    show_config_problems(attempt_config(ConfigSources("tree.yaml", {}, {}, [], scratch)).problems)


@given(
    name=st.text(st.sampled_from("FHOST_SERVUNCIPAD01x"), max_size=30).map("FFHOST_{}".format)
    | st.sampled_from(
        ["FFHOST_SERVER__PORT", "FFHOST_FUNCTIONS__HELLO__METHODS", "FFHOST___", "FFHOST_A__",
         "FFHOST_FUNCTIONS__HELLO__CONFIG__A", "FFHOST_FUNCTIONS__HELLO__CONFIG", "PORT",
         "FFHOST_FUNCTIONS__HELLO__EXAMPLES", "FFHOST_TRACING__HOOKS__OTEL", "FFHOST_ENV_FILE",
         "FFHOST_FUNCTIONS__HELLO", "FFHOST_LOGGING__LEVELS__A", "FFHOST_FUNCTIONS__"]
    ),
    value=st.text(max_size=12) | YAML_TEXT,
)  # fmt: skip
def test_no_variable_makes_loading_fail_in_another_way(
    scratch: Path, name: str, value: str
) -> None:
    (scratch / "good.yaml").write_text("functions: {hello: {target: m:a, config: {A: '1'}}}\n")
    sets = [f"functions.hello.config={value}", value]
    show_config_problems(
        attempt_config(ConfigSources("good.yaml", {name: value}, {}, sets, scratch)).problems
    )


@given(st.text(), st.dictionaries(st.sampled_from(["A", "B"]), st.text()))
def test_interpolation_gives_a_text_or_says_why_not(text: str, variables: dict[str, str]) -> None:
    try:
        outcome = interpolate_variables(text, variables)
    except ValueError as error:
        missing = error.name if isinstance(error, MissingVariable) else None
        outcome = str(error)
        assert missing is None or "${" + missing in text
    assert isinstance(outcome, str)


@given(st.text().filter(lambda text: "${" not in text))
def test_a_text_without_references_is_left_alone(text: str) -> None:
    assert interpolate_variables(text, {}) == text
    assert interpolate_variables("$${" + text, {}) == "${" + text


@given(st.text())
def test_no_dotenv_file_makes_the_reader_fail(text: str) -> None:
    read_dotenv(ConfigText(".env", file=Path(".env"), text=text), [])


def test_dotenv_values_in_every_form() -> None:
    text = (
        '# comment\n\nA=1\n export B = two words \nC=\'single # $A\'\nD="a\\n\\"b\\" \\\\" # x\n'
        'E=\nF=a#b # c\nG="x"\r\nH=${A}\n'
    )
    problems: list[ConfigProblem] = []
    found = read_dotenv(ConfigText(".env", file=Path(".env"), text=text), problems)
    assert problems == []
    assert {name: value for name, (value, _) in found.items()} == {
        "A": "1",
        "B": "two words",
        "C": "single # $A",
        "D": 'a\n"b" \\',
        "E": "",
        "F": "a#b",
        "G": "x",
        "H": "${A}",
    }
