"""Which function answers a path."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ffhost.web.routing import Responders, Router, parameter, segments


def missing() -> None:
    """Answer for nothing."""


def router(*templates: str) -> Router:
    made = Router(missing)
    for template in templates:
        made.mount(template, template, Responders({}, missing))
    return made


def owner(made: Router, path: str) -> tuple[object, dict[str, str]]:
    resource, _, params, _ = made.find(path)
    return (None if resource is made else resource), params


def test_a_function_owns_its_path_and_what_is_below_it_and_nothing_that_only_begins_so() -> None:
    made = router("/hello")
    assert owner(made, "/hello")[0] == "/hello"
    assert owner(made, "/hello/")[0] == "/hello"
    assert owner(made, "/hello/a/b")[0] == "/hello"
    assert owner(made, "/hellothere")[0] is None
    assert owner(made, "/")[0] is None


def test_more_segments_win() -> None:
    made = router("/a", "/a/b", "/a/b/c/d", "/")
    assert owner(made, "/a/b/c")[0] == "/a/b"
    assert owner(made, "/a/x")[0] == "/a"
    assert owner(made, "/x")[0] == "/"


def test_among_equals_a_literal_beats_a_parameter_at_the_first_difference() -> None:
    made = router("/{x}/b", "/a/{y}")
    assert owner(made, "/a/b") == ("/a/{y}", {"y": "b"})
    assert owner(made, "/c/b") == ("/{x}/b", {"x": "c"})


def test_a_literal_that_leads_nowhere_does_not_hide_a_longer_template_with_a_parameter() -> None:
    made = router("/a", "/{x}/b/c")
    assert owner(made, "/a/b/c") == ("/{x}/b/c", {"x": "a"})
    assert owner(made, "/a/b") == ("/a", {})


def test_parameters_never_match_an_empty_segment() -> None:
    made = router("/users/{id}", "/users")
    assert owner(made, "/users/") == ("/users", {})
    assert owner(made, "/users/7/posts") == ("/users/{id}", {"id": "7"})


def test_a_pinned_path_is_answered_alone() -> None:
    made = router("/")
    made.pin("/robots.txt", "robots", Responders({}, missing))
    assert owner(made, "/robots.txt")[0] == "robots"
    assert owner(made, "/robots.txt/x")[0] == "/"


names = st.sampled_from(["a", "b", "c", "{x}", "{y}"])
templates = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))
paths = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


def by_definition(mounted: list[str], path: str) -> str | None:
    """Choose as the documentation says it, without a tree."""
    parts = segments(path)

    def fits(template: str) -> bool:
        wanted = segments(template)
        return len(wanted) <= len(parts) and all(
            bool(part) if parameter(want) else want == part
            for want, part in zip(wanted, parts, strict=False)
        )

    def rank(template: str) -> tuple[int, list[int]]:
        wanted = segments(template)
        return len(wanted), [0 if parameter(want) else 1 for want in wanted]

    return max(filter(fits, mounted), key=rank, default=None)


@given(st.lists(templates, max_size=8, unique_by=lambda t: t.replace("{y}", "{x}")), paths)
def test_the_tree_chooses_what_the_rule_chooses(mounted: list[str], path: str) -> None:
    assert owner(router(*mounted), path)[0] == by_definition(mounted, path)
