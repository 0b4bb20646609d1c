"""`compare` from Python: whatever holds the frames, the numbers are the same; what cannot be compared is refused."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unfreeze.errors import InputError
from unfreeze.evaluate import compare
from unfreeze.evaluate.frames import Frames
from unfreeze.evaluate.metric import Estimate, Metric
from unfreeze.evaluate.protocol import Options, Outcome, Protocol
from unfreeze.structure.ensemble import Ensemble


def _measured(ensemble: Frames, reference: Frames, options: Options) -> Outcome:
    """How far the coordinates spread, and what the protocol was told."""
    spreads = [float(np.asarray(side.coordinates_nm).std(axis=0).mean()) for side in (ensemble, reference)]
    estimates = {"spread_nm": Estimate(spreads[0], reference=spreads[1])}
    return Outcome(estimates, {"options": options}, {"residue": ["A:ALA1"]}, ("A note.",))


TOY = Protocol(
    "toy", "4", "A toy", (Metric("spread_nm", "Spread", lambda *_: None),), (), _measured, settings={"cutoff_nm": 0.8}
)


@pytest.fixture(scope="module")
def pair(make: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The same two ensembles of a peptide in memory and on disk."""
    molecule = make.peptide(8)
    generator = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp("pair")
    sides: dict[str, Any] = {"folder": folder}
    for name, n_frames, spread in (("tested", 11, 0.01), ("md", 40, 0.02)):
        noise = spread * generator.normal(size=(n_frames, molecule.n_atoms, 3))
        frames = np.round(molecule.coordinates_nm + noise, 3).astype(np.float32)
        sides[name] = Ensemble(molecule, frames)
        sides[name].save(folder / name)
    return sides


def test_the_record_says_what_was_done(pair: dict[str, Any]) -> None:
    folder = pair["folder"]
    result = compare(folder / "tested", folder / "md", TOY, n_bootstrap=7, seed=3, floor=False)
    assert (result.target, result.generator, result.status) == ("md", "tested", "ok")
    assert result.protocol == {"name": "toy", "version": "4", "settings": {"cutoff_nm": 0.8}}
    assert result["spread_nm"] == pytest.approx(pair["tested"].coordinates_nm.std(axis=0).mean(), rel=1e-5)
    assert result.matching["options"] == Options(floor=False, baseline=True, n_bootstrap=7, seed=3)
    assert result.inputs["ensemble"]["n_frames"] == 11
    assert result.inputs["reference"]["n_atoms"] == 40
    assert {Path(path).name for path in result.inputs["reference"]["files"]} >= {"topology.pdb", "samples.xtc"}
    assert "A note." in result.notes
    assert result.arrays == {"residue": ["A:ALA1"]}
    assert result.validity is not None
    assert 0.0 <= result.validity["frames_valid_share"] <= 1.0
    assert result.seconds > 0.0


def test_frames_may_come_in_any_shape(pair: dict[str, Any]) -> None:
    folder, ensemble, md = pair["folder"], pair["tested"], pair["md"]
    wanted = compare(folder / "tested", folder / "md", TOY)
    given = [
        (ensemble, md),
        (ensemble.to_mdtraj(), md.to_mdtraj()),
        (Frames(ensemble.complex, ensemble.coordinates_nm), Frames(md.complex, md.coordinates_nm)),
        (str(folder / "tested" / "samples.xtc"), [folder / "md" / "samples.xtc"]),
    ]
    for tested, known in given:
        found = compare(tested, known, TOY, target="t", generator="g")
        assert (found.target, found.generator) == ("t", "g")
        assert found["spread_nm"] == pytest.approx(wanted["spread_nm"], rel=1e-4)
        assert found.estimates["spread_nm"].reference == pytest.approx(
            wanted.estimates["spread_nm"].reference, rel=1e-4
        )


def test_stride_thins_the_reference_and_max_frames_both(pair: dict[str, Any]) -> None:
    counts = [
        tuple(result.inputs[side]["n_frames"] for side in ("ensemble", "reference"))
        for result in (
            compare(pair["tested"], pair["md"], TOY, stride=4),
            compare(pair["tested"], pair["md"], TOY, max_frames=5),
        )
    ]
    assert counts == [(11, 10), (5, 5)]


def test_replicas_are_kept_apart(pair: dict[str, Any]) -> None:
    files = [pair["folder"] / "md" / "samples.xtc", pair["folder"] / "tested" / "samples.xtc"]
    topology = pair["folder"] / "md" / "topology.pdb"
    apart = compare(pair["tested"], files, TOY, reference_topology=topology)
    assert (apart.inputs["reference"]["n_replicas"], apart.inputs["reference"]["n_frames"]) == (2, 51)
    joined = compare(pair["tested"], files, TOY, reference_topology=topology, replicas="concatenate")
    assert (joined.inputs["reference"]["n_replicas"], joined.inputs["reference"]["n_frames"]) == (1, 51)


def test_one_frame_is_no_ensemble(pair: dict[str, Any]) -> None:
    one = Ensemble(pair["md"].complex, pair["md"].coordinates_nm[:1])
    with pytest.raises(InputError, match=r"one frame is no ensemble; protocol 'toy' compares distributions"):
        compare(one, pair["md"], TOY)
    with pytest.raises(InputError, match="one frame is no reference"):
        compare(pair["md"], one, TOY)
    from dataclasses import replace

    structure = replace(TOY, reference_is_structure=True)
    assert compare(pair["md"], one, structure).status == "ok"


def test_a_protocol_that_is_not_there(pair: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="there is no protocol 'atlas'; choose one of unfreeze, alphaflow"):
        compare(pair["tested"], pair["md"], "atlas")


def test_the_function_is_not_hidden_by_a_module() -> None:
    import importlib

    import unfreeze.evaluate

    for module in ("comparison", "run", "targets", "aggregate", "tables", "export", "store", "workers"):
        importlib.import_module(f"unfreeze.evaluate.{module}")
    assert all(getattr(unfreeze.evaluate, name) is not None for name in unfreeze.evaluate.__all__)
    assert callable(unfreeze.evaluate.compare)
    with pytest.raises(AttributeError, match="no attribute 'thaw'"):
        _ = unfreeze.evaluate.thaw
