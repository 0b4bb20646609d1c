import gzip

import pytest

from unfreeze.corpus.split.leakage import leakage, shared_words
from unfreeze.corpus.split.reading import read_parts
from unfreeze.errors import InputError


@pytest.fixture
def dated(maker):
    """A split by date as that of ATLAS is: test chains whose protein, relative or fusion partner was seen before.

    Shares of words of five letters are those found there: 1.00, 0.82, 0.76, 0.71, 0.44, and at most 0.10 for others.
    """
    train = {f"t{number:02d}_A": maker.sequence(int(maker.rng.integers(100, 350))) for number in range(40)}
    test = {f"v{number:02d}_A": maker.sequence(int(maker.rng.integers(100, 350))) for number in range(20)}
    train["1y6i_A"] = maker.sequence(233)
    test["7e2s_A"] = train["1y6i_A"]
    train["2h2z_A"] = maker.sequence(306)
    test["7buy_A"] = maker.relative(train["2h2z_A"], 0.962)  # 12 of 306 differ
    carrier, lysozyme = maker.sequence(360), maker.sequence(160)
    train["2xz3_A"] = carrier + maker.sequence(100)
    test["6xrx_A"] = carrier[:350] + maker.sequence(190)
    test["6xds_A"] = maker.sequence(5) + carrier[:330] + maker.sequence(130)
    train["4epi_A"] = lysozyme + maker.sequence(170)
    test["7p41_D"] = maker.sequence(60) + lysozyme[:150] + maker.sequence(230)
    return {"train": train, "test": test}


def test_the_leakage_of_a_split_by_date_is_found(dated):
    report = leakage(dated, engine="words")
    pairs = {frozenset(leak.names): leak for leak in report.leaks}
    expected = {("7e2s_A", "1y6i_A"): 1.00, ("7buy_A", "2h2z_A"): 0.82, ("6xrx_A", "2xz3_A"): 0.76,
                ("6xds_A", "2xz3_A"): 0.71, ("7p41_D", "4epi_A"): 0.44}  # fmt: skip
    assert set(pairs) == {frozenset(names) for names in expected}
    for names, share in expected.items():
        assert pairs[frozenset(names)].share == pytest.approx(share, abs=0.03)
    assert report.affected == {("train", "test"): 4, ("test", "train"): 5}
    assert report.sizes == {"train": 44, "test": 25}
    assert report.largest_identity == 1.0
    assert report.next is None or report.next.share < 0.1
    assert pairs[frozenset(("7buy_A", "2h2z_A"))].identity == pytest.approx(0.96, abs=0.01)
    assert report.to_dict()["leaks"][0]["share"] == 1.0


def test_a_common_domain_of_two_long_chains_is_seen_by_words_only(maker):
    domain = maker.sequence(200)
    parts = {
        "train": {"a": maker.sequence(250) + domain},
        "test": {"b": domain[:190] + maker.sequence(260)},
    }
    (leak,) = leakage(parts, engine="words", identity=0.6, share=0.4).leaks
    assert leak.identity < 0.6 and leak.share == pytest.approx(0.42, abs=0.02)


def test_relatives_without_common_words_are_seen_by_alignment_only(maker):
    founder = maker.sequence(200)
    report = leakage({"train": {"a": founder}, "test": {"b": maker.relative(founder, 0.5)}}, engine="words")
    (leak,) = report.leaks
    assert leak.identity == pytest.approx(0.5, abs=0.06) and leak.share < 0.15


def test_three_parts_and_nothing_alike(maker):
    parts = {part: {f"{part}{k}": maker.sequence(90) for k in range(4)} for part in ("train", "validation", "test")}
    report = leakage(parts, engine="words")
    assert report.leaks == () and report.affected == {}
    with pytest.raises(InputError, match="between parts"):
        leakage({"train": parts["train"], "test": {}})


def test_shares_are_of_the_sequence_with_fewer_words():
    found = shared_words(["ACDEFGHIK", "ACDEFGHIKLMNPQ", "WWWW", ""])
    assert found == {(0, 1): 1.0}


def test_tables_name_the_part_in_a_column(tmp_path, maker):
    one, two, three = (maker.sequence(40) for _ in range(3))
    path = tmp_path / "all.csv"
    path.write_text(f"name,seqres,split\n1abc_A,{one},train\n2abc_B,{two},val\n1abc_A,{three}*,train\n")
    assert read_parts([path]) == {"train": {"1abc_A": one, "1abc_A#2": three}, "validation": {"2abc_B": two}}


def test_files_are_parts_by_their_names_or_as_told(tmp_path, maker):
    one, two = maker.sequence(70), maker.sequence(40)
    train, test, more = tmp_path / "atlas_train.csv", tmp_path / "atlas_test.fasta.gz", tmp_path / "more.tsv"
    train.write_text(f"name\tseqres\n1abc_A\t{one}\n")
    with gzip.open(test, "wt") as stream:
        stream.write(f">2abc_B some words\n{two[:30]}\n{two[30:]}\n")
    more.write_text(f"sequence\n{one}\n")
    assert read_parts([train, test, f"extra={more}"]) == {
        "train": {"1abc_A": one}, "test": {"2abc_B": two}, "extra": {"row 1": one},
    }  # fmt: skip


def test_fasta_headers_may_name_the_part(tmp_path):
    path = tmp_path / "x.fasta"
    path.write_text(">a part=train\nACDEF\n>b part=test\nACDEG\n")
    assert read_parts([path]) == {"train": {"a": "ACDEF"}, "test": {"b": "ACDEG"}}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.csv", b"", "is empty"),
        ("x.csv", b"name,letters\na,ACD\n", "no column of sequences"),
        ("x.csv", b"name,sequence\na,ACD\n", "line 2: no part is given for a"),
        ("train.csv", b"name,sequence\na,AC1D\n", "line 2: '1' in a sequence"),
        ("train.csv", b"\xff\xfe\x00\x00", "cannot be read as text"),
        ("train.csv.gz", b"no gzip", "cannot be read as text"),
        ("train.csv", b"name,sequence\n", "no sequences"),
    ],
)
def test_files_that_cannot_be_used_are_said(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_parts([path])


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(InputError, match=r"cannot be read as text \(.*No such file"):
        read_parts([tmp_path / "train.csv"])


# Two test chains of ATLAS, both carried by maltose-binding protein: TREM2 (6xds) and an allergen (6xrx).
TREM2 = (
    "KTEEGKLVIWINGDKGYNGLAEVGKKFEKDTGIKVTVEHPDKLEEKFPQVAATGDGPDIIFWAHDRFGGYAQSGLLAEITPAAAFQDKLYPFTWDAVRYNGKLIAYPIAVEALS"
    "LIYNKDLLPNPPKTWEEIPALDKELKAKGKSALMFNLQEPYFTWPLIAADGGYAFKYAAGKYDIKDVGVDNAGAKAGLTFLVDLIKNKHMNADTDYSIAEHAFNHGETAMTING"
    "PWAWSNIDTSAVNYGVTVLPTFKGQPSKPFVGVLSAGINAASPNKELAKEFLENYLLTDEGLEAVNKDKPLGAVALKSYEEELVKDPRVAATMENAQKGEIMPNIPQMSAFWYA"
    "VRTAVINAASGRQTVDAALAAAQTNAHDTTVFQGVAGQSLQVSCPYDSMKHWGRRKAWCRQLGEKGPCQRVVSTHNLWLLSFLRRWNGSTAITDDTLGGTLTITLRNLQPHDAG"
    "LYQCQSLHGSEADTLRKVLVEVLADPLDHHHHHHHH"
)
ALLERGEN = (
    "KIEEGKLVIWINGDKGYNGLAEVGKKFEKDTGIKVTVEHPDKLEEKFPQVAATGDGPDIIFWAHDRFGGYAQSGLLAEITPAAAFQDKLYPFTWDAVRYNGKLIAYPIAVEALS"
    "LIYNKDLLPNPPKTWEEIPALDKELKAKGKSALMFNLQEPYFTWPLIAADGGYAFKYAAGKYDIKDVGVDNAGAKAGLTFLVDLIKNKHMNADTDYSIAEAAFNKGETAMTING"
    "PWAWSNIDTSAVNYGVTVLPTFKGQPSKPFVGVLSAGINAASPNKELAKEFLENYLLTDEGLEAVNKDKPLGAVALKSYEEELAKDPRIAATMENAQKGEIMPNIPQMSAFWYA"
    "VRTAVINAASGRQTVDAALAAAQTNAAAALKDDFQEFVDLVPVDKLVNVALQYLVSDKEFKEFFGYLQGEEFSAVWDQFFALNEVKDVLNYLEAADLAVYDALNTVADFLGLHH"
    "VKPTVHTLRTGGLTGFFDETVALLPLDKFEALFEEKLKTSPEFKAFFEKLRNLDYQKFVDFHNNSKEVQGFLQKLRSYGLDVDGFFNLVAGFFGWGKF"
)


def test_real_chains_that_share_their_carrier(maker):
    parts = {
        "train": {"6xds_A": TREM2, "u1": maker.sequence(300)},
        "test": {"6xrx_A": ALLERGEN, "u2": maker.sequence(300)},
    }
    (leak,) = leakage(parts, engine="words").leaks
    assert leak.names == ("6xds_A", "6xrx_A")
    assert leak.share == pytest.approx(0.70, abs=0.03)
    assert leak.identity == pytest.approx(0.75, abs=0.04)
