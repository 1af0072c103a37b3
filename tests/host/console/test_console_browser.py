"""The console as people use it, in Chromium: from a failing call to an example that passes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.host.console.browser import CONFIG, Desk, axe, chromium, go, served
from tests.serving import eventually

JSON = {"content-type": "application/json"}
WIDE = {"width": 1200, "height": 800}
NARROW = {"width": 360, "height": 740}
EVERY_LOOK = "LOOKS" in os.environ
"""Whether axe looks at each page in all looks, and not in two of the four."""
LOOKS = [(size, scheme) for size in (WIDE, NARROW) for scheme in ("light", "dark")]
PAGES = ("#/functions", "#/functions/order", "#/functions/price", "#/functions/on-order",
         "#/calls", "#/events", "#/configuration", "#/api")  # fmt: skip

WATCH = """
window.hacked = 0;
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI}`);
});
"""
NOTE_CALLS = """
(app) => import(new URL("live.js", new URL(app, location))).then(({ live }) => {
  const note = () => { document.body.dataset.noted = ""; };
  live.addEventListener("call", () => setTimeout(note, 1100));
})
"""
EVIL = (
    "<img src=x onerror='top.hacked=1'><script>top.hacked=1</script>\"'><svg onload=top.hacked=1>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def desk(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with served(tmp_path_factory.mktemp("console")) as found:
        yield found


class Window:
    """One page of the browser, which notes what scripts and policies say."""

    def __init__(self, browser: Any, address: str, viewport: Any, scheme: str = "light") -> None:
        self._context = browser.new_context(viewport=viewport, color_scheme=scheme)
        self._context.add_init_script(WATCH)
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.address = address

    def go(self, fragment: str) -> None:
        """Open a page of the console."""
        go(self.page, self.address, fragment)

    def shows(self, fragment: str) -> None:
        """Wait until the page that begins with *fragment* is shown: its address comes earlier."""
        self.page.wait_for_selector(f'main[data-shown^="{fragment}"]')

    def sees(self, text: str) -> None:
        """Wait until *text* is on the page."""
        self.page.get_by_text(text).first.wait_for()

    def press(self, name: str) -> None:
        """Press the button called *name*."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def check(self) -> None:
        """Check that nothing has gone wrong so far."""
        violations = self.page.evaluate("window.violations")
        hacked = self.page.evaluate("window.hacked")
        assert (self.errors, violations, hacked) == ([], [], 0)

    def close(self) -> None:
        """Close it, after a last check."""
        self.check()
        self._context.close()


@pytest.fixture(scope="module")
def shared(browser: Any, desk: Desk) -> Window:
    """Open the page that most tests share: loading all scripts anew takes longer than a test."""
    return Window(browser, desk.admin, WIDE)


@pytest.fixture
def window(shared: Window) -> Iterator[Window]:
    yield shared
    shared.check()


@pytest.fixture
def fresh(browser: Any, desk: Desk) -> Iterator[Window]:
    """Open a page that nobody has used."""
    found = Window(browser, desk.admin, WIDE)
    yield found
    found.close()


def test_a_failing_call_becomes_an_example_that_passes(window: Window, desk: Desk) -> None:
    page = window.page
    page.goto(desk.admin)
    page.get_by_role("link", name="price", exact=True).click()
    page.get_by_label("Method").select_option("POST")
    page.get_by_role("button", name="Add a header").click()
    page.get_by_label("Header name").fill("content-type")
    page.get_by_label("Value of the header").fill("application/json")
    page.get_by_label("Body").fill('{"article": "tee"}')
    window.press("Call it")
    window.sees("500 crash")
    window.sees("function_crashed")
    assert "KeyError: 'tee'" in page.get_by_label("traceback", exact=True).inner_text()

    page.get_by_role("link", name="open this call").click()
    window.shows("#/calls/")
    page.get_by_label("Body").fill('{"article": "tea"}')
    window.press("Send again")
    replayed = page.locator("section", has_text="Replay with changes").locator(".result")
    replayed.locator(".chip", has_text="200").wait_for()
    assert '"price": 4.5' in replayed.locator(".body").inner_text()

    replayed.get_by_text("Keep as example").click()
    replayed.get_by_label("Name of the example").fill("tea has a price")
    replayed.get_by_role("button", name="Keep", exact=True).click()
    window.sees("Written to")
    tested = subprocess.run(
        [sys.executable, "-m", "ffhost", "test"], cwd=desk.config.parent, text=True,
        capture_output=True, check=False,
    )  # fmt: skip
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "tea has a price" in tested.stdout
    desk.config.write_text(CONFIG)


def test_calls_of_both_workers_appear_as_they_end(window: Window, desk: Desk) -> None:
    window.go("#/calls?function=price")
    workers = window.page.locator("td[data-label=Worker]")

    def both() -> bool:
        desk.post("/price", '{"article": "cup"}', **JSON)
        return set(workers.all_inner_texts()) == {str(each) for each in desk.running.workers()}

    eventually(both, "both workers are seen")


def test_filters_are_kept_in_the_address_and_hold_for_what_comes(
    window: Window, desk: Desk
) -> None:
    window.go("#/calls")
    window.page.get_by_label("Status").select_option("5xx")
    window.page.wait_for_url("**/#/calls?status=5xx")
    statuses = window.page.locator("td[data-label=Status]")
    statuses.filter(has_text="200").first.wait_for(state="hidden")
    failed = statuses.filter(has_text="500")
    before = failed.count()
    desk.post("/price", '{"article": "cup"}', **JSON)
    desk.post("/price", '{"article": "nothing"}', **JSON)
    failed.nth(before).wait_for()
    assert {each[:1] for each in statuses.all_inner_texts()} == {"5"}


def test_a_call_that_ends_while_the_list_is_on_its_way_is_shown(fresh: Window, desk: Desk) -> None:
    page = fresh.page
    desk.post("/price", '{"article": "cup"}', **JSON)
    fresh.go("#/calls")
    others = page.locator(".row-link", has_text="price")
    others.first.wait_for()
    page.evaluate(NOTE_CALLS, page.locator("script[type=module]").get_attribute("src"))

    def answer_late(route: Any) -> None:
        answer = route.fetch()
        desk.post("/order", "{}", **JSON)
        page.wait_for_selector("body[data-noted]")
        route.fulfill(response=answer)

    page.route("**/console/api/calls?*", answer_late)
    page.get_by_label("Function").select_option("order")
    others.first.wait_for(state="hidden")
    assert page.locator("td[data-label=Status]").first.inner_text().startswith("422")


def test_an_example_fills_the_form_of_a_typed_function(window: Window) -> None:
    page = window.page
    window.go("#/functions/order")
    window.press("two cups")
    assert page.get_by_label("customer").input_value() == "Ada"
    page.get_by_label("set email").check()
    page.get_by_label("Kind of email").select_option(label="null")
    page.get_by_label("set size").check()
    page.get_by_label("size", exact=True).select_option("large")
    window.press("Add to lines")
    page.get_by_role("group", name="lines 2").get_by_label("article").fill("tea")
    page.get_by_label("set notes").check()
    window.press("Add a name")
    page.get_by_label("name", exact=True).fill("door")
    page.get_by_label("value", exact=True).fill("ring twice")
    window.press("JSON")
    sent = page.get_by_label("Body as JSON").input_value()
    for part in ('"email": null', '"size": "large"', '"article": "tea"', '"door": "ring twice"'):
        assert part in sent
    window.press("Call it")
    window.sees('"total": 28.5')


def test_a_schedule_is_run_by_hand_and_its_spans_are_a_tree(window: Window, desk: Desk) -> None:
    window.go("#/functions")
    window.press("Run now: nightly, as 30 2 * * * does")
    window.sees("nightly was run by hand: 200.")
    window.go("#/calls?function=nightly")
    window.sees("schedule")
    window.page.locator(".row-link").first.click()
    spans = window.page.get_by_role("table", name="Spans")
    assert spans.locator(".depth-0").inner_text() == "nightly"
    assert spans.locator(".depth-1").inner_text() == "price"


def test_an_event_shows_who_took_it_and_why_others_did_not(window: Window) -> None:
    window.go("#/events")
    window.page.get_by_label("Type").fill("shop.ordered")
    window.press("Show the route")
    window.sees("yes")
    window.press("Send")
    window.page.get_by_role("heading", name="Took it").wait_for()
    window.page.get_by_role("link", name="on-order").click()
    window.sees("packing")
    window.go("#/events")
    window.page.get_by_label("Type").fill("shop.other")
    window.press("Send")
    window.sees("No function took it.")


def test_the_keyboard_reaches_everything(fresh: Window) -> None:
    page = fresh.page
    fresh.go("#/functions")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    page.keyboard.type("nightly")
    fresh.sees("1 of 5 functions")
    page.keyboard.press("Escape")
    fresh.sees("5 functions")
    page.get_by_role("link", name="echo", exact=True).focus()
    page.keyboard.press("Enter")
    fresh.shows("#/functions/echo")
    assert page.evaluate("document.activeElement.textContent") == "echo"


def shorten(page: Any) -> None:
    """Show a part of a long list only: axe looks at every element."""
    if page.get_by_label("Filter settings").count():
        page.get_by_label("Filter settings").fill("functions.order")
        page.get_by_text("server.host", exact=True).wait_for(state="hidden")
    if page.get_by_label("Filter by path").count():
        page.get_by_label("Filter by path").fill("/order")
        page.get_by_role("region", name="/price").wait_for(state="hidden")


def faults(page: Any) -> list[str]:
    """Return the serious faults that axe-core finds."""
    found = page.evaluate("axe.run({resultTypes: ['violations']})")
    assert len(found["passes"]) > 30
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def test_every_page_fits_and_axe_finds_no_serious_fault(browser: Any, desk: Desk) -> None:
    desk.post("/price", '{"article": "nothing"}', **JSON)
    window = Window(browser, desk.admin, WIDE)
    page = window.page
    window.go("#/calls?status=5xx")
    call = page.locator(".row-link").first.get_attribute("href")
    page.evaluate(axe())
    problems = []
    for place, fragment in enumerate((*PAGES, call)):
        page.evaluate("(fragment) => { location.hash = fragment; }", fragment)
        page.wait_for_selector(f'main[data-shown="{fragment}"]')
        page.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        shorten(page)
        for turn, (viewport, scheme) in enumerate(LOOKS):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            look = f"{fragment} {viewport['width']} {scheme}"
            wider = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            problems += [f"{look}: wider than the window"] * wider
            if EVERY_LOOK or turn in ((0, 3) if place % 2 else (1, 2)):
                problems += [f"{look}: {each}" for each in faults(page)]
    window.close()
    assert problems == []


def test_nothing_that_comes_from_outside_runs(window: Window, desk: Desk) -> None:
    desk.post("/echo/%3Cscript%3Etop.hacked=1", EVIL, **{"x-say": EVIL})
    page = window.page
    window.go("#/calls?function=echo")
    page.locator("tr", has_text="top.hacked").locator(".row-link").first.click()
    window.sees("Replay with changes")
    for details in page.locator("details").all():
        details.evaluate("(element) => { element.open = true; }")
    window.press("Text")
    assert page.locator(".body").last.inner_text().count("<script>") >= 1
    window.press("Preview")
    page.frame_locator("iframe.preview").locator("img").wait_for(state="attached")
    window.go("#/events")
    page.get_by_label("Type").fill("shop.ordered")
    page.get_by_label("Source").fill("/x")
    page.get_by_label("Data").fill(EVIL)
    window.press("Send")
    page.get_by_role("link", name="on-order").click()
    window.sees("Replay with changes")
    assert page.evaluate("document.querySelectorAll('main script, main svg[onload]').length") == 0


def test_names_of_functions_and_of_calls_are_only_text(fresh: Window) -> None:
    def hostile(route: Any) -> None:
        answer = route.fetch()
        found = answer.json()
        for each in found["functions"]:
            each.update(name=EVIL, doc=EVIL, path=EVIL, door=[EVIL], status=EVIL)
        route.fulfill(response=answer, json=found)

    fresh.page.route("**/console/api/functions", hostile)
    fresh.go("#/functions")
    assert fresh.page.locator("a.name").first.inner_text() == EVIL
    fresh.go("#/calls/%3Cimg%20src=x%20onerror=top.hacked=1%3E")
    fresh.sees("Not shown")


def test_a_reload_is_seen_and_a_refused_one_is_explained(window: Window, desk: Desk) -> None:
    window.go("#/configuration")
    desk.config.write_text(CONFIG.replace("timeout: 20s", "timeout: 21s"))
    window.sees("Reloaded: revision")
    window.page.locator("tr", has_text="functions.price.timeout").get_by_text("21s").wait_for()
    desk.config.write_text(CONFIG.replace("timeout: 20s", "timeuot: 20s"))
    window.sees("The last change was refused")
    window.sees("did you mean 'timeout'?")
    desk.config.write_text(CONFIG)
    window.page.get_by_text("The last change was refused").wait_for(state="hidden")


def test_a_closed_listener_asks_for_credentials_and_an_ended_server_is_told(
    browser: Any, tmp_path: Path
) -> None:
    keys = 'auth={staff: {header: X-API-Key, keys: {me: "a-key-that-is-long-enough"}}}'
    with served(tmp_path, "server.workers=1", "admin.auth=[staff]", keys) as desk:
        window = Window(browser, desk.admin, WIDE)
        page = window.page
        page.goto(desk.admin)
        page.get_by_label("Key").fill("wrong")
        window.press("Sign in")
        window.sees("These credentials were refused.")
        page.get_by_label("Key").fill("a-key-that-is-long-enough")
        window.press("Sign in")
        page.get_by_role("link", name="price", exact=True).wait_for()
        page.get_by_text("live", exact=True).wait_for()
        desk.running.send(signal.SIGTERM)
        page.locator("#connection:not([data-state=live])").wait_for()
        assert desk.running.wait() == 0
        window.close()
