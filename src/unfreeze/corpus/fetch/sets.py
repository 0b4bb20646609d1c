"""The sets that can be fetched: their addresses as templates, their options, and how well each address is known.

None of the addresses could be tried where this was written; `DataSet.checked` says what they were taken from. All of
them can be changed (``--url``, ``--set NAME=VALUE``). How a file is brought is for
:mod:`unfreeze.corpus.fetch.fetching`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unfreeze.corpus.fetch import huggingface, mddb, zenodo
from unfreeze.corpus.fetch.remote import Client, RemoteFile, content_of_name, safe_path
from unfreeze.errors import InputError

__all__ = ["BIOEMU_ARCHIVES", "SETS", "DataSet", "Option", "find_set"]

Options = Mapping[str, str]

BIOEMU_ARCHIVES = {
    "octapeptides": ("15641199", "ONE_octapeptides.zip", "0.5 GB"),
    "megasim": ("15641184", "MSR_megasim_merge.zip", "1.3 GB"),
    "cath1": ("15629740", "ONE_cath1.zip", "2.1 GB"),
    "megasim-mutants": ("15641184", "MSR_megasim_mutants_disp_allatom.zip", "8.4 GB"),
    "cath2": ("15629740", "MSR_cath2.zip", "27.7 GB"),
}
"""Zenodo record, file and size of each part of the BioEmu MD release."""


@dataclass(frozen=True)
class Option:
    """What can be said with ``--set NAME=VALUE``.

    Attributes
    ----------
    help
        One line.
    default
        Value if nothing is said.
    allowed
        The values there are; any if empty.
    """

    help: str
    default: str
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataSet:
    """A set as it lies on its server.

    Attributes
    ----------
    name, title
        For the command line and for people.
    base_url
        What all its addresses begin with.
    licence, citation
        As the set states them; ``unknown`` where it is told with each file only.
    size
        Words on how large it is.
    checked
        What the addresses were taken from.
    id_pattern, id_example
        What one of its ids looks like.
    plan
        Files of the given ids.
    list_ids
        All ids, where the set has a list of them.
    needs_ids
        Whether files cannot be named without ids.
    importer
        Name of the importer of what was fetched; that of the set if empty.
    options
        By name.
    """

    name: str
    title: str
    base_url: str
    licence: str
    citation: str
    size: str
    checked: str
    id_pattern: str
    id_example: str
    plan: Callable[[Client, Sequence[str], Options], list[RemoteFile]]
    list_ids: Callable[[Client, Options], list[str]] | None = None
    needs_ids: bool = True
    importer: str = ""
    options: Mapping[str, Option] = field(default_factory=dict)

    def chosen(self, options: Options) -> dict[str, str]:
        """Options with defaults filled in.

        Raises
        ------
        InputError
            If one is not known or has a value that it cannot have.
        """
        for name, value in options.items():
            known = self.options.get(name)
            if known is None:
                names = ", ".join(self.options) or "none"
                raise InputError(f"{self.name} has no option {name!r}; it has: {names}")
            if known.allowed and value not in known.allowed:
                raise InputError(f"{name}={value!r}: expected one of {', '.join(known.allowed)}")
        return {name: options.get(name, option.default) for name, option in self.options.items()}

    def checked_ids(self, ids: Sequence[str]) -> list[str]:
        """The ids without repetitions.

        Raises
        ------
        InputError
            If one does not look like an id of the set.
        """
        for identifier in ids:
            if not re.fullmatch(self.id_pattern, identifier):
                raise InputError(f"{identifier!r} is no id of {self.name}; expected something like {self.id_example}")
        return list(dict.fromkeys(ids))


def find_set(name: str) -> DataSet:
    """The set of that name.

    Raises
    ------
    InputError
        If there is none.
    """
    if name not in SETS:
        raise InputError(f"there is no set {name!r} to fetch; there are: {', '.join(SETS)}")
    return SETS[name]


def _atlas(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    collection, part = options["collection"], options["part"]
    template = {
        "api": "api/{collection}/{part}/{id}",
        "static": "database/{collection}/{id}/{id}_{part}.zip",
    }[options["route"]]
    return [
        RemoteFile(
            url=client.url(template.format(collection=collection, part=part, id=identifier)),
            path=f"{identifier}_{part}.zip",
            identifier=identifier,
            content="zip",
            unpack_to=identifier,
        )
        for identifier in ids
    ]


_MDCATH = "compsciencelab/mdCATH"


def _mdcath(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    names = {identifier: f"mdcath_dataset_{identifier}.h5" for identifier in ids}
    return [
        RemoteFile(
            url=huggingface.hub_url(client, _MDCATH, options["revision"], f"data/{name}"),
            path=name,
            identifier=identifier,
            content="hdf5",
        )
        for identifier, name in names.items()
    ]


def _mdcath_ids(client: Client, options: Options) -> list[str]:
    files = huggingface.hub_files(client, _MDCATH, options["revision"], "data", recursive=False)
    names = (re.fullmatch(r"data/mdcath_dataset_(\w+)\.h5", file.path) for file in files)
    return [found[1] for found in names if found]


def _misato(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    return zenodo.zenodo_files(client, options["record"], ids or ["MD.hdf5"])


def _bioemu(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    unknown = [name for name in ids if name not in BIOEMU_ARCHIVES]
    if unknown:
        known = ", ".join(f"{name} ({size})" for name, (_, _, size) in BIOEMU_ARCHIVES.items())
        raise InputError(f"the BioEmu MD release has no part {unknown[0]!r}; its parts: {known}")
    files: list[RemoteFile] = []
    for name in ids:
        record, key, _ = BIOEMU_ARCHIVES[name]
        files += zenodo.zenodo_files(client, record, [key], unpack=True)
    return files


_TETRAPEPTIDES = "bjing-mit/tetrapeptide-sims"
_TETRAPEPTIDE_FOLDERS = {"explicit": "4AA_sims", "implicit": "4AA_sims_implicit"}


def _mdgen(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    folder = _TETRAPEPTIDE_FOLDERS[options["solvent"]]
    paths = [(sequence, f"{folder}/{sequence}/{sequence}.{end}") for sequence in ids for end in ("pdb", "xtc")]
    return [
        RemoteFile(
            url=huggingface.hub_url(client, _TETRAPEPTIDES, options["revision"], path),
            path=path,
            identifier=sequence,
            content=content_of_name(path),
        )
        for sequence, path in paths
    ]


def _mdgen_ids(client: Client, options: Options) -> list[str]:
    folder = _TETRAPEPTIDE_FOLDERS[options["solvent"]]
    files = huggingface.hub_files(client, _TETRAPEPTIDES, options["revision"], folder, recursive=True)
    names = (re.fullmatch(rf"{folder}/([A-Z]+)/\1\.xtc", file.path) for file in files)
    return [found[1] for found in names if found]


_TIMEWARP = "microsoft/timewarp"


def _timewarp(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
    folder = str(safe_path(f"{options['subset']}/{options['split']}"))
    ends = ("-traj-state0.pdb", "-traj-arrays.npz")
    paths = [(sequence, f"{folder}/{sequence}{end}") for sequence in ids for end in ends]
    return [
        RemoteFile(
            url=huggingface.hub_url(client, _TIMEWARP, options["revision"], path),
            path=path,
            identifier=sequence,
            content=content_of_name(path),
        )
        for sequence, path in paths
    ]


def _timewarp_ids(client: Client, options: Options) -> list[str]:
    """Those that have both files: some of the set miss one."""
    folder = str(safe_path(f"{options['subset']}/{options['split']}"))
    found: dict[str, set[str]] = {}
    for file in huggingface.hub_files(client, _TIMEWARP, options["revision"], folder, recursive=False):
        name = re.fullmatch(rf"{re.escape(folder)}/([A-Z]+(?:-\d+)?)-traj-(state0\.pdb|arrays\.npz)", file.path)
        if name:
            found.setdefault(name[1], set()).add(name[2])
    return [sequence for sequence, ends in found.items() if len(ends) == 2]


def _plain_files(names: Mapping[str, str | None]) -> Callable[[Client, Sequence[str], Options], list[RemoteFile]]:
    """Files that lie below the base, by name: the folder that each is unpacked into, None for none."""

    def plan(client: Client, ids: Sequence[str], options: Options) -> list[RemoteFile]:
        wanted = ids or list(names)
        unknown = [name for name in wanted if name not in names]
        if unknown:
            raise InputError(f"there is no file {unknown[0]!r}; there are: {', '.join(names)}")
        return [
            RemoteFile(client.url(name), name, content=content_of_name(name), unpack_to=names[name]) for name in wanted
        ]

    return plan


_REVISION = Option("branch, tag or commit of the data set", "main")
_FRAMES = Option("frames FIRST:LAST:STEP, counted from 1, both ends included; empty for all", "")

_MDDB = {
    "importer": "mddb",
    "licence": "unknown",
    "id_pattern": r"[A-Za-z0-9-]{1,40}(\.\d{1,3})?",
    "plan": mddb.mddb_plan,
    "list_ids": lambda client, options: mddb.mddb_ids(client, 100_000),
    "options": {"frames": _FRAMES},
    "checked": "public code that uses the interface, and a survey of repositories (MDverse); the list of nodes changes",
}

SETS: dict[str, DataSet] = {
    item.name: item
    for item in (
        DataSet(
            name="atlas",
            title="ATLAS: three times 100 ns of each of 1,390 protein chains and more",
            base_url="https://www.dsimb.inserm.fr/ATLAS",
            licence="CC-BY-NC-4.0",
            citation="Vander Meersche et al., Nucleic Acids Res. 52, D384 (2024), doi:10.1093/nar/gkad1084",
            size="about 0.6 GB a chain (protein), 10 times that with solvent (total)",
            checked="the set's documentation as given to this project, and public code that uses both routes",
            id_pattern=r"[0-9][0-9a-z]{3}_[A-Za-z0-9]{1,4}|[A-Z0-9]{6,10}(_[A-Za-z0-9]{1,8})?",
            id_example="16pk_A",
            plan=_atlas,
            options={
                "collection": Option("part of the database", "ATLAS", ("ATLAS", "chameleon", "DPF")),
                "part": Option(
                    "protein (10,000 frames a run), analysis (1,000 frames), total (with solvent)",
                    "protein",
                    ("protein", "analysis", "total"),
                ),
                "route": Option("the interface, or the files behind it", "api", ("api", "static")),
            },
        ),
        DataSet(
            name="mdcath",
            title="mdCATH: 5,398 CATH domains at five temperatures, five runs each",
            base_url=huggingface.BASE_URL,
            licence="CC-BY-4.0",
            citation="Mirarchi et al., Sci. Data 11, 1299 (2024), doi:10.1038/s41597-024-04140-z",
            size="3.3 TB; 0.3 to 1.8 GB a domain",
            checked="pages of the set on the Hugging Face Hub and public code that uses the address",
            id_pattern=r"[0-9][0-9A-Za-z]{3}[0-9A-Za-z][0-9]{2}",
            id_example="1aabA00",
            plan=_mdcath,
            list_ids=_mdcath_ids,
            options={"revision": _REVISION},
        ),
        DataSet(
            name="misato",
            title="MISATO: 10 ns of each of 16,972 protein–ligand complexes",
            base_url=zenodo.BASE_URL,
            licence="unknown",
            citation="Siebenmorgen et al., Nat. Comput. Sci. 4, 367 (2024), doi:10.1038/s43588-024-00627-2",
            size="MD.hdf5 has 133 GiB, in one piece",
            checked="the set's own instructions for download, which name the record and MD.hdf5",
            id_pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}",
            id_example="MD.hdf5 (names of files, not of complexes)",
            plan=_misato,
            needs_ids=False,
            options={"record": Option("Zenodo record", "7711953")},
        ),
        DataSet(
            name="mdgen",
            title="MDGen: 100 ns of each of some 3,000 tetrapeptides",
            base_url=huggingface.BASE_URL,
            licence="MIT",
            citation="Jing et al., Generative modeling of molecular dynamics trajectories, arXiv:2409.17808 (2024)",
            size="about 0.5 GB a peptide",
            checked="public code that uses the data set on the Hugging Face Hub; the bucket that the authors name in "
            "their repository is marked as closed there",
            id_pattern=r"[A-Z]{4}",
            id_example="AAAA",
            plan=_mdgen,
            list_ids=_mdgen_ids,
            options={
                "solvent": Option("explicit (TIP3P-FB) or implicit (GBn2)", "explicit", ("explicit", "implicit")),
                "revision": _REVISION,
            },
        ),
        DataSet(
            name="timewarp",
            title="Timewarp: dipeptides and tetrapeptides with forces, spaced unevenly in time",
            base_url=huggingface.BASE_URL,
            licence="MIT",
            citation="Klein et al., Timewarp, NeurIPS (2023), arXiv:2302.01170",
            size="4AA-large 717 GB, 4AA-huge 376 GB",
            checked="pages of the set on the Hugging Face Hub",
            id_pattern=r"[A-Z]{1,8}(-\d{1,3})?",
            id_example="AAAY",
            plan=_timewarp,
            list_ids=_timewarp_ids,
            options={
                "subset": Option("2AA-1-big, 2AA-1-large, 2AA-complete, 4AA-large, 4AA-huge, AD-3", "4AA-large"),
                "split": Option("train, val or test", "train", ("train", "val", "test")),
                "revision": _REVISION,
            },
        ),
        DataSet(
            name="bioemu",
            title="BioEmu MD release: CATH domains, MegaScale proteins and mutants, octapeptides",
            base_url=zenodo.BASE_URL,
            licence="CDLA-Permissive-2.0",
            citation="Lewis et al., Science 389, eadv9817 (2025), doi:10.1126/science.adv9817",
            size="40 GB packed: " + ", ".join(f"{name} {size}" for name, (_, _, size) in BIOEMU_ARCHIVES.items()),
            checked="the citation of the three records by the authors, and public code that reads these archives",
            id_pattern=r"[a-z0-9-]{1,40}",
            id_example="cath1",
            plan=_bioemu,
            list_ids=lambda client, options: list(BIOEMU_ARCHIVES),
        ),
        DataSet(
            name="mddb",
            title="MDDB (MDposit): simulations of the nodes of the Molecular Dynamics Data Bank",
            base_url=mddb.NODES["global"],
            citation="Molecular Dynamics Data Bank, mddbr.eu; cite each project as it asks",
            size="by project; other nodes with --url: " + ", ".join(mddb.NODES.values()),
            id_example="MD-A003ZP.1",
            **_MDDB,
        ),
        DataSet(
            name="dynarepo",
            title="DynaRepo: three times 500 ns of some 700 proteins and complexes",
            base_url=mddb.NODES["dynarepo"],
            citation="DynaRepo, dynarepo.inria.fr; cite each project as it asks",
            size="about 0.2 GB a replica without solvent",
            id_example="A00F8.1",
            **_MDDB,
        ),
        DataSet(
            name="skempi",
            title="SKEMPI 2.0: affinities of mutants of complexes, with their structures",
            base_url="https://life.bsc.es/pid/skempi2/database/download",
            licence="CC-BY-4.0",
            citation="Jankauskaitė et al., Bioinformatics 35, 462 (2019), doi:10.1093/bioinformatics/bty635",
            size="about 40 MB",
            checked="public code that uses the addresses",
            id_pattern=r"skempi_v2\.csv|SKEMPI2_PDBs\.tgz",
            id_example="skempi_v2.csv",
            plan=_plain_files({"skempi_v2.csv": None, "SKEMPI2_PDBs.tgz": ""}),
            needs_ids=False,
        ),
        DataSet(
            name="docking55",
            title="Docking benchmark 5.5: bound and unbound structures of 257 complexes",
            base_url="https://zlab.wenglab.org/benchmark",
            licence="unknown",
            citation="Guest et al., Structure 29, 606 (2021), doi:10.1016/j.str.2021.01.005",
            size="about 45 MB",
            checked="public code that uses the address",
            id_pattern=r"benchmark5\.5\.tgz",
            id_example="benchmark5.5.tgz",
            plan=_plain_files({"benchmark5.5.tgz": ""}),
            needs_ids=False,
        ),
    )
}
"""All sets by name."""
