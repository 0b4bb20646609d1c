"""The options that `unfreeze simulate run` and `plan` share, and the campaign that they ask for."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from unfreeze.cli.errors import refuse
from unfreeze.cli.options import parse_chains

if TYPE_CHECKING:
    from unfreeze.simulate.campaign.directory import CampaignDirectory
    from unfreeze.simulate.campaign.pool import PoolSettings
    from unfreeze.simulate.campaign.settings import Campaign

__all__ = ["campaign_of_options", "changes_of_options", "directory_of", "pool_settings"]

_YAML = (".yaml", ".yml")
_DEFAULT_LENGTH = "1ns"
_FILES = r"(\.(yaml|yml|pdb|cif|mmcif|ent|gz))+$"

Source = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN.yaml | STRUCTURE | DIR]",
        help="A campaign file; a structure file, PDB id or prepared folder; or the folder of a campaign, to go on.",
        show_default=False,
    ),
]
SequenceOption = Annotated[
    str | None, typer.Option("--sequence", metavar="LETTERS", help="A peptide, such as GYDPETGTWG; chains by ':'.")
]
LengthOption = Annotated[
    str | None,
    typer.Option("--length", metavar="TIME", help="Production of each run, such as 2ns.", show_default="1ns"),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="DIR", help="Folder of the campaign.", show_default="named after the input"),
]
ReplicasOption = Annotated[
    int | None, typer.Option("--replicas", min=1, metavar="N", help="Runs of each system.", show_default="1")
]
TemperatureOption = Annotated[
    float | None, typer.Option("--temperature", metavar="K", help="Temperature in K.", show_default="300")
]
ForceFieldOption = Annotated[
    str | None, typer.Option("--force-field", metavar="NAME", help="Force field.", show_default="amber14")
]
SolventOption = Annotated[
    str | None,
    typer.Option(
        "--solvent", metavar="NAME", help="obc2, gbn2 (implicit), tip3p, tip3pfb, opc (water).", show_default="obc2"
    ),
]
SaveOption = Annotated[
    str | None, typer.Option("--save-every", metavar="TIME", help="Time between frames.", show_default="10ps")
]
ChainsOption = Annotated[
    str | None, typer.Option("--chains", metavar="A,B", help="Chains to keep.", show_default="all")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting, such as system.padding_nm=1.2, protocol.time_step_fs=2, preparation.pH=6.",
    ),
]
SeedOption = Annotated[int | None, typer.Option("--seed", min=0, help="Of all that is random.", show_default="0")]
WorkersOption = Annotated[
    int | None,
    typer.Option("-j", "--workers", min=1, metavar="N", help="Runs at a time on the CPU.", show_default="one a core"),
]
PlatformOption = Annotated[
    Literal["auto", "CPU", "CUDA", "HIP", "OpenCL", "Reference"],
    typer.Option("--platform", help="Where OpenMM computes; auto takes a GPU if there is one."),
]
PerDeviceOption = Annotated[
    int, typer.Option("--per-device", min=1, metavar="N", help="Runs at a time on each GPU; small systems like 4.")
]
DevicesOption = Annotated[
    str | None, typer.Option("--devices", metavar="0,1", help="Numbers of the GPUs.", show_default="all")
]

_OPTION_OF = {
    "length": "--length",
    "replicas": "--replicas",
    "seed": "--seed",
    "structures": "STRUCTURE",
    "sequences": "--sequence",
    "simulation.conditions.temperature_K": "--temperature",
    "simulation.system.force_field": "--force-field",
    "simulation.system.solvent": "--solvent",
    "simulation.save.every_ps": "--save-every",
    "preparation.chains": "--chains",
}


class _CommandLine:
    """Says which option a value came from."""

    def at(self, *keys: str | int) -> str:
        """The option, or --set with the key."""
        words = [str(key) for key in keys if not isinstance(key, int)]
        for start in ("structures", "sequences"):
            if words[:1] == [start] and len(words) > 1:
                words = words[1:]
        place = ".".join(words)
        if place in _OPTION_OF:
            return _OPTION_OF[place]
        shown = place.removeprefix("simulation.")
        return f"--set {shown}" if "." in place else shown


def changes_of_options(
    *,
    length: str | None,
    replicas: int | None,
    temperature: float | None,
    force_field: str | None,
    solvent: str | None,
    save_every: str | None,
    chains: str | None,
    set_: list[str] | None,
    seed: int | None,
) -> dict[str, Any]:
    """The part of a campaign file that options stand for.

    Raises
    ------
    typer.BadParameter
        If one cannot be read.
    """
    from unfreeze.simulate.campaign.settings import merged
    from unfreeze.simulate.campaign.units import parse_time_ps

    changes: dict[str, Any] = {"length": length, "replicas": replicas, "seed": seed}
    for option, text in (("--length", length), ("--save-every", save_every)):
        if text is not None:
            try:
                parse_time_ps(text)
            except ValueError:
                raise refuse(option, text, "a time with its unit, such as 2ns or 10ps, and more than none") from None
    nested = {
        ("simulation", "conditions", "temperature_K"): temperature,
        ("simulation", "system", "force_field"): force_field,
        ("simulation", "system", "solvent"): solvent,
        ("simulation", "save", "every_ps"): None if save_every is None else parse_time_ps(save_every),
        ("preparation", "chains"): parse_chains(chains),
        **dict(_parse_setting(text) for text in set_ or []),
    }
    changes = {key: value for key, value in changes.items() if value is not None}
    for keys, value in nested.items():
        if value is not None:
            for key in reversed(keys):
                value = {key: value}
            changes = merged(changes, value)
    return changes


def _parse_setting(text: str) -> tuple[tuple[str, ...], Any]:
    import yaml

    key, equals, value = text.partition("=")
    parts = tuple(part.strip() for part in key.split("."))
    if not equals or not all(parts) or len(parts) < 2:
        short = key.rpartition(".")[2].strip()
        known = [name for name in _known_settings() if short and short in name.rpartition(".")[2]]
        example = " or ".join(f"{name}={value or '...'}" for name in known[:3]) or "protocol.time_step_fs=2"
        raise refuse("--set", text, f"a setting and its value, such as {example}")
    if parts[0] not in ("simulation", "preparation"):
        parts = ("simulation", *parts)
    try:
        return parts, yaml.safe_load(value)
    except yaml.YAMLError:
        raise refuse("--set", text, "a value as in YAML, such as 2, opc or [A, B]") from None


def _known_settings() -> list[str]:
    """What can be set, with the names of the parts before them."""
    from pydantic import BaseModel

    from unfreeze.simulate.settings import SimulationSettings
    from unfreeze.structure.prepare.settings import PreparationSettings

    names = []
    for name, field in SimulationSettings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += [f"{name}.{inner}" for inner in kind.model_fields]
    return names + [f"preparation.{name}" for name in PreparationSettings.model_fields]


def campaign_of_options(source: str | None, sequence: str | None, changes: dict[str, Any]) -> Campaign:
    """The campaign that is asked for.

    Raises
    ------
    InputError
        If it cannot be what is asked for.
    typer.BadParameter
        If nothing, or more than one thing, is to be simulated.
    """
    from unfreeze.simulate.campaign.directory import CampaignDirectory
    from unfreeze.simulate.campaign.settings import campaign_of, merged, read_campaign

    if (source is None) == (sequence is None):
        raise typer.BadParameter("give one of CAMPAIGN.yaml, STRUCTURE, DIR, --sequence")
    if source is not None:
        directory = CampaignDirectory(Path(source))
        if directory.exists:
            return read_campaign(directory.campaign_file, changes, for_all=("length", "replicas"))
        if source.lower().endswith(_YAML):
            return read_campaign(source, changes)
    what = {"structures": [source]} if sequence is None else {"sequences": [sequence]}
    data = merged({**what, "length": _DEFAULT_LENGTH}, changes)
    return campaign_of(data, _CommandLine(), folder=Path(), origin="the command line")


def directory_of(source: str | None, sequence: str | None, output: Path | None) -> CampaignDirectory:
    """The folder of a campaign: the one that is given, or one named after the input."""
    from unfreeze.simulate.campaign.directory import CampaignDirectory

    if output is not None:
        return CampaignDirectory(output)
    if source is not None and CampaignDirectory(Path(source)).exists:
        return CampaignDirectory(Path(source))
    text = sequence[:30] if sequence is not None else Path(source or "").name or Path(source or "").resolve().name
    stem = re.sub(r"[^A-Za-z0-9_.+-]", "-", re.sub(_FILES, "", text, flags=re.IGNORECASE)).strip(".+-")
    return CampaignDirectory(Path(f"{stem or 'campaign'}-simulation"))


def pool_settings(platform: str, workers: int | None, per_device: int, devices: str | None) -> PoolSettings:
    """How the manager works on this machine.

    Raises
    ------
    InputError
        If OpenMM does not have the platform.
    typer.BadParameter
        If options do not go together.
    """
    from unfreeze.simulate.campaign.pool import PoolSettings
    from unfreeze.simulate.campaign.processes import free_cores, visible_devices
    from unfreeze.simulate.engine.platforms import choose_platform
    from unfreeze.structure.openmm_topology import require_openmm

    require_openmm()
    name = choose_platform(platform).getName()
    if name in ("CPU", "Reference"):
        if devices is not None or per_device != 1:
            raise typer.BadParameter(f"--devices and --per-device are for GPUs; the platform is {name}")
        return PoolSettings(workers=workers or len(free_cores()), platform=name)
    if workers is not None:
        raise typer.BadParameter(f"--workers is for the CPU; on {name} give --per-device", param_hint="--workers")
    try:
        numbers = tuple(int(part) for part in devices.split(",")) if devices else visible_devices() or (0,)
    except ValueError:
        raise refuse("--devices", devices, "numbers with commas between, such as 0,1") from None
    return PoolSettings(platform=name, devices=numbers, per_device=per_device)
