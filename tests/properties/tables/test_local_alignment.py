import numpy as np
import pytest

from unfreeze.properties.tables.local_alignment import alike_pairs, local_alignment

_LYSOZYME = (
    "KVFGRCELAAAMKRHGLDNYRGYSLGNWVCAAKFESNFNTQATNRNTDGSTDYGILQINSRWWCNDGRTPGSRNLCNIPCSALLSSDITASVNCAKKIVSDGNGMNAWVAW"
    "RNRCKGTDVQAWIRGCRL"
)
_LACTALBUMIN = (
    "KQFTKCELSQLLKDIDGYGGIALPELICTMFHTSGYDTQAIVENNESTEYGLFQISNKLWCKSSQVPQSRNICDISCDKFLDDDITDDIMCAKKILDIKGIDYWLAHKALC"
    "TEKLEQWLCEKL"
)


# of natural proteins, in per mille: Robinson & Robinson 1991, PNAS 88, 8880
_SHARES = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        (78, 51, 45, 54, 19, 43, 63, 74, 22, 51, 91, 57, 22, 39, 52, 71, 58, 13, 32, 64),
        strict=True,
    )
)
_POOL = [letter for letter, share in _SHARES.items() for _ in range(share)]


def _drawn(seed: int, length: int) -> str:
    return "".join(np.random.default_rng(seed).choice(_POOL, length))


def test_a_sequence_with_itself_and_within_another():
    found = local_alignment(_LYSOZYME, _LYSOZYME)
    assert (found.identity, found.columns) == (1.0, len(_LYSOZYME))
    inside = local_alignment(_LYSOZYME[20:90], _drawn(1, 60) + _LYSOZYME[20:90] + _drawn(2, 80))
    assert inside.identity == pytest.approx(1.0, abs=0.05) and inside.columns >= 70
    assert inside.expected < 1e-20


def test_score_of_a_gap():
    # WWWWW: 11 each; the gap of two costs 11 + 2
    found = local_alignment("WWWWWCCCCC", "WWWWWAACCCCC")
    assert (found.score, found.columns) == (5 * 11 + 5 * 9 - 13, 10)
    # not worth a gap: the better side alone
    assert local_alignment("WWWWWA", "WWWWWGGGGGGA").score == 55


def test_homologues_are_alike_and_chance_is_not():
    found = local_alignment(_LYSOZYME, _LACTALBUMIN)
    assert 0.3 < found.identity < 0.45 and found.expected < 1e-10
    assert found == local_alignment(_LYSOZYME, _LACTALBUMIN)
    names = [_LYSOZYME, _drawn(3, 120), _LACTALBUMIN, _drawn(4, 130), _drawn(5, 90)]
    assert alike_pairs(names).tolist() == [[0, 2]]
    assert alike_pairs(names[:2], names[2:]).tolist() == [[0, 0]]
    assert alike_pairs(names, identity=0.5).tolist() == []


def test_expected_by_chance_is_not_too_small():
    pairs = [local_alignment(_drawn(seed, 100), _drawn(seed + 1000, 120)).expected for seed in range(400)]
    assert 0.03 < np.mean(np.array(pairs) <= 0.1) < 0.15


def test_letters_that_are_none():
    assert local_alignment("XXXX", "XXXX").score == 0
    assert local_alignment("", "ACD").columns == 0
    assert alike_pairs([]).shape == (0, 2)
