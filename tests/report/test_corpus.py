import html as html_module
import re

import numpy as np
import pytest

from unfreeze.corpus.schema import Conditions, Source, TrajectoryRecord
from unfreeze.corpus.statistics import corpus_statistics
from unfreeze.corpus.store import Corpus
from unfreeze.errors import InputError
from unfreeze.report.corpus import corpus_html, write_corpus_report

HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("UNFREEZE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def build(tmp_path, make_complex):
    def build(name="corpus", force_field="ff14sb", **options):
        corpus = Corpus.create(tmp_path / "corpus", name=name, **options)
        rng = np.random.default_rng(0)
        for number, lengths in enumerate(([12, 12], [14], [16, 12])):
            molecule = make_complex(lengths)
            with corpus.new_entry(f"e{number}", molecule) as writer:
                for kelvin in (300, 350):
                    conditions = Conditions(temperature_K=kelvin, force_field=force_field)
                    source = Source(dataset="own", licence="CC-BY-NC-4.0")
                    writing = writer.begin_trajectory(
                        TrajectoryRecord(name=f"{kelvin}K", conditions=conditions, source=source)
                    )
                    noise = rng.normal(scale=0.05, size=(20, molecule.n_atoms, 3))
                    writing.append((molecule.coordinates_nm + noise).astype(np.float32))
                    writing.finish(time_step_ps=100.0)
        return corpus

    return build


def text_of(html):
    return re.sub(r"\s+", " ", html_module.unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", html, flags=re.S)))


def test_the_page_tells_what_is_there(build, tmp_path):
    page = write_corpus_report(corpus_statistics(build()), tmp_path / "page.html")
    said = text_of(page.read_text(encoding="utf-8"))
    assert "3 entries" in said and "6 trajectories" in said and "120 frames" in said and "12 ns simulated" in said
    assert "300 K, ff14sb 3 3 60 6 ns" in said
    for title in ("Contents", "Coverage", "Motion", "Licences", "Residues by RMSF", "Folds", "Sizes"):
        assert title in said
    assert "forbids commercial use" in said and "Commercial use is not allowed" in said


def test_the_page_loads_nothing(build):
    html = corpus_html(corpus_statistics(build()))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert policy is not None and "default-src 'none'" in policy.group(1) and "http" not in policy.group(1)
    assert not re.search(r'(?:src|href)="(?!data:|#)', html)
    assert "{{" not in html and "{%" not in html


def test_hostile_names_cannot_break_out(build):
    clean = build(name="clean")
    count = corpus_html(corpus_statistics(clean)).count("<script")
    statistics = corpus_statistics(clean)
    statistics["name"] = HOSTILE
    statistics["conditions"][0]["key"] = HOSTILE
    statistics["rmsf"][0]["conditions"] = HOSTILE
    statistics["licences"]["findings"].append(HOSTILE)
    html = corpus_html(statistics)
    assert "<img" not in html and html.count("<script") == count == html.count("</script>")
    assert html.count("alert(2)") >= 5


def test_a_private_corpus_is_named_by_its_alias(build):
    html = corpus_html(corpus_statistics(build(name="secret", private=True, alias="lab 7")))
    assert "secret" not in html and "e0" not in text_of(html).split()
    assert "lab 7" in html and "named by its alias only" in html


def test_an_empty_corpus_has_a_page(tmp_path):
    said = text_of(corpus_html(corpus_statistics(Corpus.create(tmp_path / "none"))))
    assert "0 entries" in said and "There are no trajectories." in said


def test_a_page_that_cannot_be_written_is_said(build, tmp_path):
    (tmp_path / "page.html").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_corpus_report(corpus_statistics(build()), tmp_path / "page.html")
