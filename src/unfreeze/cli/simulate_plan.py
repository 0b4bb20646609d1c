"""`unfreeze simulate plan`: what a campaign will take, measured on this machine, before it runs."""

from __future__ import annotations

import json
import shutil
from typing import Annotated

import typer

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.progress import Stages
from unfreeze.cli.simulate_options import (
    ChainsOption,
    DevicesOption,
    ForceFieldOption,
    LengthOption,
    OutputOption,
    PerDeviceOption,
    PlatformOption,
    ReplicasOption,
    SaveOption,
    SeedOption,
    SequenceOption,
    SetOption,
    SolventOption,
    Source,
    TemperatureOption,
    WorkersOption,
    campaign_of_options,
    changes_of_options,
    directory_of,
    pool_settings,
)

__all__ = ["plan"]


def plan(
    context: typer.Context,
    source: Source = None,
    sequence: SequenceOption = None,
    length: LengthOption = None,
    output: OutputOption = None,
    replicas: ReplicasOption = None,
    temperature: TemperatureOption = None,
    force_field: ForceFieldOption = None,
    solvent: SolventOption = None,
    save_every: SaveOption = None,
    chains: ChainsOption = None,
    set_: SetOption = None,
    seed: SeedOption = None,
    workers: WorkersOption = None,
    platform: PlatformOption = "auto",
    per_device: PerDeviceOption = 1,
    devices: DevicesOption = None,
    price: Annotated[
        float | None,
        typer.Option("--price-per-hour", min=0.0, metavar="X", help="Of this machine, in any currency."),
    ] = None,
    measure: Annotated[
        int, typer.Option("--measure", min=0, metavar="N", help="Most systems to make and measure; 0 to estimate.")
    ] = 8,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.5, max=600.0, metavar="S", help="How long to measure each.")
    ] = 4.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print it for programs, and nothing else.")] = False,
) -> None:
    """Say what a campaign will take before it runs: atoms, speed measured here, hours, disk, cost.

    Systems are made and integrated for some seconds each on all workers at once. They stay in DIR, where `run` finds
    them; what was measured before is not measured again.

    Example:  unfreeze simulate plan campaign.yaml -o campaign --price-per-hour 0.90
    """
    with ErrorReporter(debug=context.obj["debug"], smaller="Plan for fewer workers.") as reporter:
        changes = changes_of_options(
            length=length, replicas=replicas, temperature=temperature, force_field=force_field, solvent=solvent,
            save_every=save_every, chains=chains, set_=set_, seed=seed,
        )  # fmt: skip
        campaign = campaign_of_options(source, sequence, changes)
        directory = directory_of(source, sequence, output)
        directory.check()
        reporter.kept = f"systems that were made are kept in {directory.root}."
        settings = pool_settings(platform, workers, per_device, devices)
        from unfreeze.simulate.campaign.plan import make_plan

        with Stages(show=not as_json) as stages:
            stages("Reading")
            tasks = directory.resolve(campaign)
            nearest = next(place for place in directory.root.absolute().parents if place.exists())
            found = make_plan(
                directory,
                tasks,
                settings,
                most_measured=measure,
                seconds=seconds,
                price_per_hour=price,
                free_bytes=shutil.disk_usage(nearest).free,
                progress=stages,
            )
        if as_json:
            print(json.dumps({"directory": str(directory.root), **found.to_dict()}, indent=1, ensure_ascii=False))
        else:
            from unfreeze.cli.simulate_tables import plan_table, standard_output

            standard_output().print(plan_table(found))
