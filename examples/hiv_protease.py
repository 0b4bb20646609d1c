"""HIV-1 protease with its inhibitor: which residues move most, and an ensemble to look at."""

from pathlib import Path

import unfreeze

ensemble = unfreeze.sample(Path(__file__).with_name("data") / "1hvr.cif", n_frames=100)
protease, rmsf_nm = ensemble.complex, ensemble.rmsf()
for row in rmsf_nm.argsort()[:-6:-1]:
    residue = int(protease.residue_index[protease.representative_atoms()[row]])
    print(f"{protease.residue_label(residue)} fluctuates by {10 * rmsf_nm[row]:.2f} Å")
ensemble.save("hiv_protease-ensemble", force=True)
