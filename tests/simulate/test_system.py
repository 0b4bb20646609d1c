"""Systems: energies as plain OpenMM has them, sizes and masses, what is solute, refusals that name a residue."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import openmm
import pytest
from openmm import app, unit

from unfreeze.errors import InputError
from unfreeze.simulate import force_field_files
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.system import MolecularSystem, build_system
from unfreeze.structure.complex import Complex
from unfreeze.structure.openmm_topology import to_openmm
from unfreeze.structure.prepare.preparation import prepare_sequence
from unfreeze.structure.prepare.settings import PreparationSettings

AMBER_PAIRS = [
    (name, solvent)
    for name in ("amber14", "amber19")
    for solvent in ("obc2", "gbn2", "vacuum", "tip3p", "tip3pfb", "opc")
]
CHARMM_PAIRS = [("charmm36", solvent) for solvent in ("obc2", "tip3p")]


@pytest.fixture(autouse=True, scope="module")
def _files_loaded_once() -> Iterator[None]:
    """Loading a force field takes longer than most of these tests."""
    load = functools.cache(force_field_files.load_files)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "unfreeze.simulate.system.load_files",
            lambda names, present=None: load(names, None if present is None else tuple(present)),
        )
        yield


@functools.cache
def _plain_files(force_field: str, solvent: str) -> app.ForceField:
    base = {"amber14": "amber14-all.xml", "amber19": "amber19-all.xml", "charmm36": "charmm36.xml"}[force_field]
    if solvent == "vacuum":
        return app.ForceField(base)
    if solvent in ("obc2", "gbn2"):
        return app.ForceField(base, f"implicit/{solvent}.xml")
    return app.ForceField(base, "charmm36/water.xml" if force_field == "charmm36" else f"{force_field}/{solvent}.xml")


def _plain(force_field: str, solvent: str, topology: app.Topology) -> openmm.System:
    """What a short script of OpenMM's manual makes of it."""
    options: dict[str, Any] = {"constraints": app.HBonds, "hydrogenMass": 1.5 * unit.amu}
    if solvent in ("tip3p", "tip3pfb", "opc"):
        options |= {"nonbondedMethod": app.PME, "nonbondedCutoff": 0.9 * unit.nanometer}
        if force_field == "charmm36":
            options |= {"nonbondedCutoff": 1.2 * unit.nanometer, "switchDistance": 1.0 * unit.nanometer}
    return _plain_files(force_field, solvent).createSystem(topology, **options)


def _evaluate(
    system: openmm.System, positions_nm: np.ndarray, box_nm: np.ndarray | None, platform: str = "Reference"
) -> tuple[float, np.ndarray]:
    properties = {"Threads": "1"} if platform == "CPU" else {}
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName(platform), properties
    )
    if box_nm is not None:
        context.setPeriodicBoxVectors(*box_nm)
    context.setPositions(positions_nm)
    state = context.getState(energy=True, forces=True)
    return state.getPotentialEnergy()._value, np.array(state.getForces(asNumpy=True)._value)


def _agree(molecular: MolecularSystem, platform: str = "Reference") -> None:
    settings = molecular.record["settings"]
    plain = _plain(settings["force_field"], settings["solvent"], molecular.topology)
    energy, forces = _evaluate(molecular.system, molecular.positions_nm, molecular.box_nm, platform)
    plain_energy, plain_forces = _evaluate(plain, molecular.positions_nm, molecular.box_nm, platform)
    assert energy == pytest.approx(plain_energy, abs=1e-3)
    assert np.abs(forces - plain_forces).max() < 1e-3
    assert [molecular.system.getParticleMass(i) for i in range(molecular.system.getNumParticles())] == [
        plain.getParticleMass(i) for i in range(plain.getNumParticles())
    ]
    assert molecular.system.getNumConstraints() == plain.getNumConstraints()


@pytest.mark.parametrize(("force_field", "solvent"), AMBER_PAIRS + CHARMM_PAIRS)
def test_a_peptide_has_the_energy_of_plain_openmm(force_field: str, solvent: str, request: Any) -> None:
    peptide = request.getfixturevalue("charged_peptide" if force_field == "charmm36" else "alanine_dipeptide")
    _agree(build_system(peptide, SystemSettings(force_field=force_field, solvent=solvent, padding_nm=0.3)))


def test_ubiquitin_has_the_energy_of_plain_openmm(ubiquitin: Complex) -> None:
    _agree(build_system(ubiquitin, SystemSettings(force_field="amber19", solvent="obc2")))


@pytest.mark.parametrize(("force_field", "solvent"), [("amber14", "tip3pfb"), ("amber19", "gbn2")])
def test_ubiquitin_has_the_same_energy_on_the_cpu(force_field: str, solvent: str, ubiquitin: Complex) -> None:
    _agree(build_system(ubiquitin, SystemSettings(force_field=force_field, solvent=solvent, padding_nm=0.25)), "CPU")


@pytest.mark.parametrize("solvent", ["obc2", "gbn2"])
def test_salt_and_cutoff_reach_the_implicit_solvent(solvent: str, charged_peptide: Complex) -> None:
    salt = 0.15 if solvent == "gbn2" else 0.0
    molecular = build_system(
        charged_peptide, SystemSettings(solvent=solvent, cutoff_nm=1.0, salt_M=salt), temperature_K=310.0
    )
    options: dict[str, Any] = {"nonbondedMethod": app.CutoffNonPeriodic, "nonbondedCutoff": 1.0 * unit.nanometer}
    if salt:
        options["implicitSolventKappa"] = molecular.record["implicit_solvent"]["kappa_per_nm"] / unit.nanometer
    plain = _plain_files("amber14", solvent).createSystem(molecular.topology, constraints=app.HBonds, **options)
    energy, forces = _evaluate(molecular.system, molecular.positions_nm, None)
    plain_energy, plain_forces = _evaluate(plain, molecular.positions_nm, None)
    assert energy == pytest.approx(plain_energy, abs=1e-3)
    assert np.abs(forces - plain_forces).max() < 1e-3
    assert molecular.record["nonbonded"]["cutoff_nm"] == 1.0
    assert molecular.record["nonbonded"]["reaction_field_dielectric"] == 1.0


@pytest.mark.parametrize("solvent", ["obc2", "gbn2", "vacuum"])
def test_large_systems_get_a_cutoff_in_implicit_solvent_and_say_so(
    solvent: Any, charged_peptide: Complex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unfreeze.simulate.system.LARGEST_WITHOUT_CUTOFF", charged_peptide.n_atoms - 1)
    record = build_system(charged_peptide, SystemSettings(solvent=solvent)).record
    assert record["nonbonded"]["cutoff_nm"] == (None if solvent == "vacuum" else 2.0)
    assert ("cut-off of 2 nm" in " ".join(record["notes"])) == (solvent != "vacuum")


def test_obc2_is_the_native_force(alanine_dipeptide: Complex) -> None:
    names = {type(force).__name__ for force in build_system(alanine_dipeptide, SystemSettings()).system.getForces()}
    assert "GBSAOBCForce" in names
    assert not names & {"CustomGBForce", "CMMotionRemover", "MonteCarloBarostat"}


def test_amber19_corrects_the_backbone_of_every_inner_residue(ubiquitin: Complex) -> None:
    molecular = build_system(ubiquitin, SystemSettings(force_field="amber19", solvent="vacuum"))
    residue = [atom.residue for atom in molecular.topology.atoms()]
    maps: dict[str, set[int]] = {}
    corrected = set()
    for force in molecular.system.getForces():
        if isinstance(force, openmm.CMAPTorsionForce):
            for index in range(force.getNumTorsions()):
                number, _, alpha, *_ = force.getTorsionParameters(index)
                corrected.add(residue[alpha].index)
                maps.setdefault(residue[alpha].name, set()).add(number)
    assert corrected == set(range(1, 75))
    assert all(len(numbers) == 1 for numbers in maps.values())
    assert len(set.union(*maps.values())) > 10


def test_caps_have_the_energy_that_charmm_gives_them_by_patches() -> None:
    """ACE and NME as residues of their own, against CHARMM's own way: patches of the residue beside them."""
    peptide = prepare_sequence("KAPG", PreparationSettings(termini="capped")).complex
    topology, positions_nm = to_openmm(peptide)
    residues = list(topology.residues())
    merged = app.Topology()
    chain = merged.addChain("A")
    atoms: dict[Any, Any] = {}
    for row in range(1, len(residues) - 1):
        parts = [residues[at] for at in range(len(residues)) if min(max(at, 1), len(residues) - 2) == row]
        whole = merged.addResidue(residues[row].name, chain)
        for part in parts:
            for atom in part.atoms():
                atoms[atom] = merged.addAtom(f"{atom.name}{part.index}", atom.element, whole)
    for first, second in topology.bonds():
        merged.addBond(atoms[first], atoms[second])
    order = [atom.index for atom in atoms]
    patched = _plain_files("charmm36", "vacuum").createSystem(merged, constraints=app.HBonds)
    ours = build_system(peptide, SystemSettings(force_field="charmm36", solvent="vacuum"))
    energy, forces = _evaluate(ours.system, ours.positions_nm, None)
    patched_energy, patched_forces = _evaluate(patched, positions_nm[order], None)
    assert energy == pytest.approx(patched_energy, abs=1e-6)
    assert np.abs(forces[order] - patched_forces).max() < 1e-6


@pytest.mark.slow
def test_charmm36m_is_charmm36_with_another_backbone() -> None:
    peptide = prepare_sequence("KAE", PreparationSettings(termini="capped")).complex
    systems = [
        build_system(peptide, SystemSettings(force_field=name, solvent="vacuum")) for name in ("charmm36", "charmm36m")
    ]
    energies: list[dict[str, float]] = []
    for molecular in systems:
        kinds: dict[str, openmm.System] = {}
        for force in molecular.system.getForces():
            bare = openmm.XmlSerializer.clone(molecular.system)
            while bare.getNumForces():
                bare.removeForce(0)
            bare.addForce(openmm.XmlSerializer.clone(force))
            kinds[type(force).__name__] = bare
        energies.append({name: _evaluate(bare, molecular.positions_nm, None)[0] for name, bare in kinds.items()})
    old, new = energies
    assert old.keys() == new.keys()
    differ = {name for name in old if abs(old[name] - new[name]) > 1e-3}
    assert differ == {"CMAPTorsionForce"}


def test_every_protonation_state_fits_every_quick_force_field() -> None:
    states = ("A:2=HIP", "A:3=ASH", "A:4=GLH", "A:5=LYN", "A:6=HID", "A:7=HIE")
    peptide = prepare_sequence("AHDEKHHCA", PreparationSettings(termini="capped", states=states)).complex
    for name in ("amber14", "amber19", "charmm36"):
        molecular = build_system(peptide, SystemSettings(force_field=name))
        assert molecular.record["net_charge_e"] == 1.0
        assert molecular.solute.n_atoms == peptide.n_atoms


@pytest.mark.parametrize("force_field", ["amber14", "charmm36"])
def test_disulfides_stay(force_field: str, make: Any) -> None:
    from unfreeze.structure.prepare.preparation import prepare

    crambin = prepare(make.read("pdb1ejg.pdb"), PreparationSettings(ligands="drop")).complex
    molecular = build_system(crambin, SystemSettings(force_field=force_field, solvent="vacuum"))
    sulfurs = {atom.index for atom in molecular.topology.atoms() if atom.name == "SG"}
    bonded = set()
    for force in molecular.system.getForces():
        if isinstance(force, openmm.HarmonicBondForce):
            bonded = {tuple(force.getBondParameters(i)[:2]) for i in range(force.getNumBonds())}
    assert sum(set(pair) <= sulfurs for pair in bonded) == 3
    assert molecular.record["net_charge_e"] == 0.0


def test_hydrogens_take_mass_from_their_heavy_atoms_but_not_in_water(alanine_dipeptide: Complex) -> None:
    systems = {
        mass: build_system(alanine_dipeptide, SystemSettings(solvent="tip3p", padding_nm=0.3, hydrogen_mass_amu=mass))
        for mass in (1.008, 3.0)
    }
    assert systems[3.0].record["total_mass_amu"] == pytest.approx(systems[1.008].record["total_mass_amu"], abs=1e-6)
    molecular = systems[3.0]
    for atom in molecular.topology.atoms():
        if atom.element.symbol == "H":
            mass = molecular.system.getParticleMass(atom.index)._value
            assert mass == pytest.approx(1.008 if atom.residue.name == "HOH" else 3.0, rel=1e-3)


@pytest.mark.parametrize("force_field", ["amber14", "charmm36"])
def test_water_keeps_off_the_solute(force_field: str, charged_peptide: Complex) -> None:
    """Modeller alone puts water at 0.18 nm from the atoms of CHARMM, whose radii it does not find."""
    molecular = build_system(charged_peptide, SystemSettings(force_field=force_field, solvent="tip3p", padding_nm=0.3))
    everything, _ = molecular.saved_atoms("all")
    oxygen = (everything.residue_name[everything.residue_index] == "HOH") & (everything.element == "O")
    heavy = molecular.solute.coordinates_nm[molecular.solute.element != "H"]
    distances = np.linalg.norm(everything.coordinates_nm[oxygen][:, None] - heavy, axis=2)
    assert 0.33 < distances.min() < 0.4


def test_water_is_rigid_whatever_is_constrained(alanine_dipeptide: Complex) -> None:
    settings = SystemSettings(solvent="tip3p", padding_nm=0.3, constraints="none", hydrogen_mass_amu=1.008)
    molecular = build_system(alanine_dipeptide, settings)
    assert molecular.system.getNumConstraints() == 3 * molecular.record["box"]["n_waters_added"]


def test_the_record_tells_what_was_done(charged_peptide: Complex) -> None:
    settings = SystemSettings(force_field="charmm36", solvent="tip3p", padding_nm=0.4, ionic_strength_M=0.3)
    molecular = build_system(charged_peptide, settings, pressure_bar=1.0, temperature_K=310.0, seed=7)
    record = molecular.record
    assert record["net_charge_e"] == 0.0
    assert record["nonbonded"] == {
        "method": "PME",
        "cutoff_nm": 1.2,
        "ewald_error_tolerance": 5e-4,
        "lj_dispersion_correction": False,
        "lj_switch_from_nm": 1.0,
    }
    box = record["box"]
    assert box["n_chloride_added"] == box["n_sodium_added"] + 1
    assert 0.85 < box["density_g_ml"] < 1.1
    assert record["n_particles"] == charged_peptide.n_atoms + 3 * box["n_waters_added"] + 2 * box["n_sodium_added"] + 1
    assert record["n_degrees_of_freedom"] == 3 * record["n_particles"] - record["n_constraints"]
    assert (record["seed"], record["temperature_K"], record["pressure_bar"]) == (7, 310.0, 1.0)
    assert [file["name"] for file in record["files"]] == [
        "charmm36.xml",
        "unfreeze/charmm36_caps.xml",
        "charmm36/water.xml",
    ]
    assert "wider than padding_nm" in " ".join(record["notes"])


@pytest.mark.parametrize("which", ["heavy", "solute", "all"])
def test_saved_atoms_are_never_virtual_sites(which: Any, alanine_dipeptide: Complex) -> None:
    molecular = build_system(alanine_dipeptide, SystemSettings(force_field="amber19", solvent="opc", padding_nm=0.3))
    saved, rows = molecular.saved_atoms(which)
    elements = [atom.element for atom in molecular.topology.atoms()]
    assert saved.n_atoms == len(rows) and None not in [elements[row] for row in rows]
    assert np.array_equal(saved.coordinates_nm, molecular.positions_nm[rows])
    assert saved.element.tolist() == [elements[row].symbol.upper() for row in rows]
    if which == "heavy":
        assert "H" not in saved.element and saved.n_atoms == 10
    if which == "solute":
        assert saved is molecular.solute
    if which == "all":
        assert saved.n_atoms == molecular.record["n_atoms"] < molecular.record["n_particles"]


def test_virtual_sites_sit_where_their_parents_put_them(alanine_dipeptide: Complex) -> None:
    molecular = build_system(alanine_dipeptide, SystemSettings(solvent="opc", padding_nm=0.3))
    context = openmm.Context(molecular.system, openmm.VerletIntegrator(0.001), _reference())
    context.setPositions(molecular.positions_nm)
    context.computeVirtualSites()
    placed = context.getState(positions=True).getPositions(asNumpy=True)._value
    assert np.abs(placed - molecular.positions_nm).max() < 1e-12


def test_four_site_water_can_be_integrated(alanine_dipeptide: Complex) -> None:
    molecular = build_system(alanine_dipeptide, SystemSettings(force_field="amber19", solvent="opc", padding_nm=0.3))
    integrator = openmm.LangevinMiddleIntegrator(300.0, 1.0, 0.002)
    context = openmm.Context(molecular.system, integrator, openmm.Platform.getPlatformByName("CPU"), {"Threads": "1"})
    context.setPositions(molecular.positions_nm)
    openmm.LocalEnergyMinimizer.minimize(context, 10.0, 50)
    context.setVelocitiesToTemperature(300.0, 1)
    integrator.step(50)
    energy = context.getState(energy=True).getPotentialEnergy()._value
    assert -60 < energy / molecular.record["box"]["n_waters_added"] < -20


def _reference() -> openmm.Platform:
    return openmm.Platform.getPlatformByName("Reference")


@pytest.fixture(scope="module")
def wet_peptide(charged_peptide: Complex) -> Complex:
    """The peptide with three waters and two ions of a structure, in the middle of its atoms as files have them."""
    molecular = build_system(charged_peptide, SystemSettings(solvent="tip3p", padding_nm=0.3, ionic_strength_M=1.0))
    everything, _ = molecular.saved_atoms("all")
    names = everything.residue_name
    rows = np.arange(charged_peptide.n_residues)
    extra = [
        *np.flatnonzero(names == "HOH")[:3],
        *np.flatnonzero(names == "NA")[:1],
        *np.flatnonzero(names == "CL")[:1],
    ]
    return everything.take_residues(np.concatenate([rows, extra]))


@pytest.mark.parametrize("solvent", ["tip3p", "opc"])
def test_waters_and_ions_of_the_structure_stay_but_are_no_solute(solvent: Any, wet_peptide: Complex) -> None:
    molecular = build_system(wet_peptide, SystemSettings(solvent=solvent, padding_nm=0.3))
    assert molecular.record["n_waters_of_structure"] == 3
    assert molecular.solute.n_atoms == wet_peptide.n_atoms - 3 * 3 - 2
    everything, rows = molecular.saved_atoms("all")
    kept = wet_peptide.n_atoms
    assert np.abs(molecular.positions_nm[rows[:kept]] - wet_peptide.coordinates_nm).max() == 0.0
    assert everything.atom_name[:kept].tolist() == wet_peptide.atom_name.tolist()
    assert np.array_equal(molecular.positions_nm[molecular.solute_atoms], molecular.solute.coordinates_nm)


def test_implicit_solvent_replaces_the_waters_of_the_structure(wet_peptide: Complex) -> None:
    molecular = build_system(wet_peptide, SystemSettings())
    assert molecular.record["n_particles"] == wet_peptide.n_atoms - 9
    assert any("3 waters of the structure left out" in note for note in molecular.record["notes"])
    assert any("Ions are held by non-bonded forces" in caveat for caveat in molecular.record["caveats"])


def test_bound_metals_are_solute(alanine_dipeptide: Complex, make: Any) -> None:
    zinc = make.moved(make.ions([[2.0, 0.0, 0.0]]), [0.0, 0.0, 0.0])
    molecular = build_system(make.merge(alanine_dipeptide, zinc), SystemSettings())
    assert molecular.solute.element.tolist().count("ZN") == 1
    assert molecular.record["net_charge_e"] == 2.0


def test_the_same_arguments_give_the_same_system(charged_peptide: Complex) -> None:
    settings = SystemSettings(solvent="tip3p", padding_nm=0.3)
    first, second = (build_system(charged_peptide, settings, seed=5) for _ in range(2))
    assert np.array_equal(first.positions_nm, second.positions_nm)
    assert openmm.XmlSerializer.serialize(first.system) == openmm.XmlSerializer.serialize(second.system)
    other = build_system(charged_peptide, settings, seed=6)
    assert not np.array_equal(first.positions_nm, other.positions_nm)


_DIGEST = """
import hashlib, openmm
from unfreeze.simulate.settings import SystemSettings
from unfreeze.simulate.system import build_system
from unfreeze.structure.prepare.preparation import prepare_sequence
m = build_system(prepare_sequence("KAEK").complex, SystemSettings(solvent="opc", padding_nm=0.3), seed=5)
data = openmm.XmlSerializer.serialize(m.system).encode() + m.positions_nm.tobytes()
print(hashlib.sha256(data).hexdigest())
"""


def test_another_process_builds_the_same_system() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGEST],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1


def test_a_residue_without_parameters_is_named(alanine_dipeptide: Complex, make: Any) -> None:
    ligand = make.merge(alanine_dipeptide, make.moved(make.alkane(4), [0.0, 0.0, 2.0]))
    with pytest.raises(InputError, match=r"L:LIP4 as it is has no parameters.*force_field_files"):
        build_system(ligand, SystemSettings())
    with pytest.raises(InputError, match=r"L:LIP4 as it is has no parameters"):
        build_system(ligand, SystemSettings(solvent="opc", padding_nm=0.3))


def test_a_structure_without_hydrogens_is_sent_to_prepare(make: Any) -> None:
    with pytest.raises(InputError, match=r"A:ALA1 .*no hydrogens: run `unfreeze prepare`"):
        build_system(make.peptide(3), SystemSettings())


def test_salt_in_the_wrong_place_is_refused(alanine_dipeptide: Complex) -> None:
    with pytest.raises(InputError, match="only gbn2 screens"):
        build_system(alanine_dipeptide, SystemSettings(salt_M=0.1))


def test_water_alone_is_refused(wet_peptide: Complex) -> None:
    water = wet_peptide.take_residues(wet_peptide.residue_name == "HOH")
    for solvent in ("obc2", "tip3p"):
        with pytest.raises(InputError, match="nothing to simulate"):
            build_system(water, SystemSettings(solvent=solvent))


def test_custom_files_make_the_same_system(alanine_dipeptide: Complex) -> None:
    custom = SystemSettings(
        force_field="custom",
        force_field_files=("amber14/protein.ff14SB.xml", "amber14/tip3p.xml"),
        solvent="tip3p",
        padding_nm=0.3,
    )
    named = SystemSettings(solvent="tip3p", padding_nm=0.3)
    energies = []
    for settings in (custom, named):
        molecular = build_system(alanine_dipeptide, settings)
        energies.append(_evaluate(molecular.system, molecular.positions_nm, molecular.box_nm)[0])
    assert energies[0] == energies[1]


def test_custom_files_without_the_water_are_refused(alanine_dipeptide: Complex) -> None:
    custom = SystemSettings(
        force_field="custom", force_field_files=("amber14/protein.ff14SB.xml",), solvent="tip3p", padding_nm=0.3
    )
    with pytest.raises(InputError, match=r"has no HOH that fits solvent tip3p \(3 sites.*force_field_files"):
        build_system(alanine_dipeptide, custom)
