"""HIV-1 protease: how an ensemble of 10 ns scores against one of 100 ns, in place of molecular dynamics."""

from pathlib import Path

import unfreeze
from unfreeze.evaluate import compare

structure = Path(__file__).with_name("data") / "1hvr.cif"
short = unfreeze.sample(structure, n_frames=40, timescale_ns=10.0, seed=1)
long = unfreeze.sample(structure, n_frames=80, timescale_ns=100.0, seed=2)
result = compare(short, long, target="1hvr", generator="10 ns")
for name in ("rmsf_ca_r", "rmsf_ca_mean_A", "rmwd_A", "interface_contact_mae"):
    found = result.estimates[name]
    print(f"{name}: {found.value:.2f} ({found.low:.2f} to {found.high:.2f}), floor {found.floor:.2f}, baseline "
          f"{found.baseline:.2f}")  # fmt: skip
