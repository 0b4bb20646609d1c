"""The page in a real browser: it draws, moves, loads nothing, fits a phone, and does without WebGL."""

from __future__ import annotations

import io
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unfreeze.report.page import page_html
from unfreeze.structure.fluctuations import Fluctuations

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
PIL_Image = pytest.importorskip("PIL.Image", reason="pillow is not installed")

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
CHROMIUM = os.environ.get("CHROMIUM") or next((path for name in _NAMES if (path := shutil.which(name))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (set CHROMIUM to its path)"),
]
SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'>"


@contextmanager
def browser(playwright: Any, *, webgl: bool = True) -> Iterator[Any]:
    gl = SOFTWARE_GL if webgl else ["--disable-gpu", "--disable-3d-apis", "--disable-software-rasterizer"]
    running = playwright.chromium.launch(
        executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking", *gl]
    )
    try:
        yield running
    finally:
        running.close()


class Visit:
    """One opened page and everything that went wrong on it."""

    def __init__(self, running: Any, path: Path, *, width: int = 1366, scheme: str = "light", tag: str = "") -> None:
        context = running.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        self.page = context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda m: m.type in ("error", "warning") and self.problems.append(m.text))
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri() + tag)
        self.page.wait_for_selector("html[data-viewer]", timeout=120_000)

    @property
    def kind(self) -> str:
        return self.page.evaluate("document.documentElement.dataset.viewer")

    def pause(self) -> None:
        if self.page.get_attribute("#play", "aria-label") == "Pause":
            self.page.click("#play")
        self.page.wait_for_timeout(400)

    def picture(self, selector: str = "#viewer") -> np.ndarray:
        image = PIL_Image.open(io.BytesIO(self.page.locator(selector).screenshot())).convert("RGB")
        return np.asarray(image).astype(int)

    def settled(self, selector: str) -> np.ndarray:
        """The picture once two in a row are the same: a busy machine draws late."""
        last = self.picture(selector)
        for _ in range(40):
            self.page.wait_for_timeout(300)
            picture = self.picture(selector)
            if np.array_equal(picture, last):
                break
            last = picture
        return last

    def changed_share(self, before: np.ndarray, selector: str, enough: float) -> float:
        """Share of pixels that differ from `before`, as soon as it is `enough`, else after twenty seconds."""
        share = 0.0
        for _ in range(40):
            self.page.wait_for_timeout(500)
            share = float((np.abs(before - self.picture(selector)).sum(axis=-1) > 40).mean())
            if share > enough:
                break
        return share

    def outside_requests(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]

    def own_problems(self) -> list[str]:
        # the software renderer complains about its own speed; that is not the page's doing
        return [text for text in self.problems if "GPU stall" not in text and "GL Driver Message" not in text]


def colours(picture: np.ndarray) -> int:
    return len(np.unique(picture.reshape(-1, 3) // 8, axis=0))


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def one_browser(driver) -> Iterator[Any]:
    with browser(driver) as running:
        yield running


@pytest.fixture
def chromium(one_browser) -> Iterator[Any]:
    """The browser, with the pages of the test closed after it: an open one keeps moving and costs time."""
    yield one_browser
    for context in one_browser.contexts:
        context.close()


@pytest.fixture
def page_file(tmp_path: Path, make_complex: Callable[..., Any], make_ensemble: Callable[..., Any]) -> Path:
    path = tmp_path / "report.html"
    path.write_text(page_html(make_ensemble(make_complex([26, 22, 24], ligand=True), weighted=True)), encoding="utf-8")
    return path


def test_the_structure_is_drawn_moves_and_nothing_is_loaded(chromium, page_file):
    visit = Visit(chromium, page_file)
    assert visit.kind == "solid"
    visit.pause()
    first = visit.settled("#stage canvas")
    assert colours(first) > 30
    visit.page.evaluate("const s = document.getElementById('frame'); s.value = 9; s.dispatchEvent(new Event('input'))")
    assert visit.changed_share(first, "#stage canvas", 0.002) > 0.002
    before = visit.page.inner_text("#frame-label")
    visit.page.click("#play")
    visit.page.wait_for_function("before => document.getElementById('frame-label').textContent !== before", arg=before)
    visit.pause()
    assert visit.own_problems() == []
    assert visit.outside_requests() == []


def test_the_predicted_interval_is_drawn_behind_the_curve(chromium, make_complex, make_ensemble, tmp_path):
    molecule = make_complex([14, 9])
    predicted = np.linspace(0.05, 0.3, molecule.n_residues)
    path = tmp_path / "predicted.html"
    told = replace(make_ensemble(molecule), fluctuations=Fluctuations(predicted, 0.7 * predicted, 1.4 * predicted))
    path.write_text(page_html(told), encoding="utf-8")
    visit = Visit(chromium, path, tag="#sketch")
    assert visit.page.locator("#rmsf path.band").count() == visit.page.locator("#rmsf path.predicted").count() == 2
    assert visit.problems == []


def test_colours_switch_between_mobility_and_chain(chromium, page_file):
    visit = Visit(chromium, page_file)
    visit.pause()
    mobility = visit.settled("#stage canvas")
    visit.page.click("[data-colour=chain]")
    assert visit.changed_share(mobility, "#stage canvas", 0.01) > 0.01
    assert "Chain A" in visit.page.inner_text("#viewer-legend")
    assert visit.own_problems() == []


def test_a_residue_of_the_chart_is_shown_in_the_structure(chromium, page_file):
    visit = Visit(chromium, page_file)
    visit.pause()
    before = visit.settled("#stage canvas")
    visit.page.locator("#rmsf svg").nth(1).click(position={"x": 300, "y": 60})
    visit.page.wait_for_function("document.getElementById('viewer-state').textContent.includes('B ALA')")
    assert visit.changed_share(before, "#stage canvas", 0.02) > 0.02
    visit.settled("#stage canvas")
    box = visit.page.locator("#stage").bounding_box()
    named = set()
    for share in np.linspace(0.3, 0.7, 15):
        visit.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        visit.page.wait_for_timeout(150)
        named.add(visit.page.inner_text("#viewer-state"))
    assert any(re.fullmatch(r"[ABC] (ALA|BNZ) \d+: RMSF \d+\.\d\d Å", text) for text in named)
    visit.page.click("#reset-view")
    visit.page.wait_for_function("document.getElementById('viewer-state').textContent === ''")
    assert visit.own_problems() == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_the_page_fits_in_light_and_dark(chromium, page_file, width, scheme):
    visit = Visit(chromium, page_file, width=width, scheme=scheme, tag="#sketch")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    shade = visit.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert (sum(shade) < 150) == (scheme == "dark")
    visit.page.click("#theme")
    other = visit.page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)"
    )
    assert (sum(other) < 150) != (scheme == "dark")
    assert visit.own_problems() == []


def test_charts_tables_and_csv_answer(chromium, page_file):
    visit = Visit(chromium, page_file, tag="#sketch")
    page = visit.page
    assert page.locator("#rmsf svg").count() == 3
    page.locator("#rmsf svg").first.focus()
    page.keyboard.press("ArrowRight")
    assert "Å" in page.inner_text("#tip")
    page.locator("#matrix canvas").hover(position={"x": 40, "y": 90})
    assert page.inner_text("#tip").count("\n") == 2
    rows = page.locator("#interface-table tbody tr")
    page.click("#interface-table th:nth-child(2)")
    counts = [int(rows.nth(k).locator("td").first.inner_text()) for k in range(rows.count())]
    assert counts == sorted(counts, reverse=True)
    rows.last.locator("button").click()
    assert rows.last.locator("button").inner_text() in page.inner_text("#contacts h3")
    for key in ("rmsf", "interfaces", "contacts", "matrix", "components"):
        with page.expect_download() as waiting:
            page.click(f"[data-csv={key}]")
        lines = Path(waiting.value.path()).read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) > 1, key
    assert visit.own_problems() == []


def test_without_webgl_a_drawing_moves_instead(driver, page_file):
    with browser(driver, webgl=False) as running:
        visit = Visit(running, page_file)
        assert visit.kind == "sketch"
        assert "3-D view is not available" in visit.page.inner_text("#viewer-state")
        visit.pause()
        first = visit.picture("#sketch")
        assert colours(first) > 20
        visit.page.evaluate(
            "const s = document.getElementById('frame'); s.value = 9; s.dispatchEvent(new Event('input'))"
        )
        assert visit.changed_share(first, "#sketch", 0.002) > 0.002
        assert visit.outside_requests() == []


def test_hostile_names_do_not_run(chromium, tmp_path, make_complex, make_ensemble):
    path = tmp_path / "report.html"
    molecule = make_complex([14, 14], names=[HOSTILE, "B"], title=HOSTILE)
    path.write_text(page_html(make_ensemble(molecule, n_frames=8)), encoding="utf-8")
    visit = Visit(chromium, path)
    assert "owned" not in visit.page.title()
    assert visit.page.locator("img").count() == 0
    assert visit.kind == "solid"
    assert visit.own_problems() == []


@pytest.mark.parametrize("case", ["one frame", "ligand", "strands"])
def test_unusual_ensembles_are_drawn(case, chromium, tmp_path, make_complex, make_ensemble, lone_ligand, two_strands):
    ensembles = {
        "one frame": lambda: make_ensemble(make_complex([14, 14]), n_frames=1),
        "ligand": lambda: make_ensemble(lone_ligand, n_frames=6),
        "strands": lambda: make_ensemble(two_strands, n_frames=6),
    }
    path = tmp_path / "report.html"
    path.write_text(page_html(ensembles[case]()), encoding="utf-8")
    visit = Visit(chromium, path)
    assert visit.kind == "solid"
    visit.pause()
    assert colours(visit.picture("#stage canvas")) > 5
    assert visit.own_problems() == []
