"""Which function answers a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ffhost.web.routing import (
    PathRouter,
    RouteResponders,
    path_pattern,
    route_path_parameter,
    split_path_segments,
)


def missing() -> None:
    """Answer for nothing."""


def router(*templates: str) -> PathRouter:
    made = PathRouter(missing)
    for template in templates:
        made.mount(template, template, RouteResponders({}, missing))
    return made


def owner(made: PathRouter, path: str) -> tuple[object, dict[str, str]]:
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
    made.pin("/robots.txt", "robots", RouteResponders({}, missing))
    assert owner(made, "/robots.txt")[0] == "robots"
    assert owner(made, "/robots.txt/x")[0] == "/"


def test_a_path_is_split_at_its_slashes() -> None:
    assert split_path_segments("/users/{id}/") == ["users", "{id}", ""]
    assert split_path_segments("/") == split_path_segments("") == []
    assert split_path_segments("//") == ["", ""]


@pytest.mark.parametrize(
    ("segment", "name"),
    [("{id}", "id"), ("{}", ""), ("{id", None), ("id}", None), ("x{id}", None), ("", None)],
)
def test_a_parameter_is_a_whole_segment_in_braces(segment: str, name: str | None) -> None:
    assert route_path_parameter(segment) == name


def test_templates_that_match_the_same_paths_have_the_same_pattern() -> None:
    assert path_pattern("/users/{id}/x") == path_pattern("/users/{name}/x") == ("users", None, "x")
    assert path_pattern("/users/id/x") != path_pattern("/users/{id}/x")


def test_a_path_that_looks_like_a_template_is_a_path() -> None:
    assert owner(router("/users/{id}"), "/users/{id}") == ("/users/{id}", {"id": "{id}"})


def test_the_route_says_which_template_it_came_from_and_who_answers_each_method() -> None:
    def get() -> None:
        """Answer GET."""

    made = PathRouter(missing)
    made.mount("/a/{x}", "a", RouteResponders({"GET": get}, missing))
    made.pin("/a/b", "b", RouteResponders({}, missing))
    _, responders, _, template = made.find("/a/c", req=None)
    assert (responders["GET"], responders["PUT"], template) == (get, missing, "/a/{x}")
    assert made.find("/a/b")[3] == "/a/b"
    assert made.find("/b") == (made, {}, {}, "")
    assert made.find("/b")[1]["GET"] is missing


def test_falcons_way_to_add_a_route_is_closed() -> None:
    with pytest.raises(TypeError, match=r"functions are mounted with Router\.mount"):
        PathRouter(missing).add_route("/a", object())


names = st.sampled_from(["a", "b", "c", "{x}", "{y}"])
templates = st.lists(names, max_size=4).map(lambda parts: "/" + "/".join(parts))
paths = st.lists(st.sampled_from(["a", "b", "c", "d", ""]), max_size=5).map(
    lambda parts: "/" + "/".join(parts)
)


def by_definition(mounted: list[str], path: str) -> str | None:
    """Choose as the documentation says it, without a tree."""
    parts = split_path_segments(path)

    def fits(template: str) -> bool:
        wanted = split_path_segments(template)
        return len(wanted) <= len(parts) and all(
            bool(part) if route_path_parameter(want) else want == part
            for want, part in zip(wanted, parts, strict=False)
        )

    def rank(template: str) -> tuple[int, list[int]]:
        wanted = split_path_segments(template)
        return len(wanted), [0 if route_path_parameter(want) else 1 for want in wanted]

    return max(filter(fits, mounted), key=rank, default=None)


@given(st.lists(templates, max_size=8, unique_by=lambda t: t.replace("{y}", "{x}")), paths)
def test_the_tree_chooses_what_the_rule_chooses(mounted: list[str], path: str) -> None:
    assert owner(router(*mounted), path)[0] == by_definition(mounted, path)
