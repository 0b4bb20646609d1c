"""Damage structure files at random and check that reading them gives a complex or an InputError, nothing else.

Usage: ``python benchmarks/fuzz_readers.py FILES... [--mutations N] [--minutes M] [--seed S] [--atheris]``
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

import numpy as np

from unfreeze.errors import InputError
from unfreeze.structure.complex import Complex
from unfreeze.structure.read import read_complex, read_models

__all__ = ["check", "main", "mutate"]

TOKENS = (
    *(b"nan", b"inf", b"-inf", b"1e308", b"99999999", b"-", b"?", b".", b"'", b'"', b";\n", b"\r", b"\0", b"\xff\xfe"),
    *(b"loop_\n", b"data_x\n", b"MODEL        1\n", b"ENDMDL\n", b"END\n", b"TER\n", b"********", b"#"),
    b"_atom_site.x",
)


def mutate(data: bytes, generator: np.random.Generator) -> bytes:
    """One to four random changes: cut, flipped bits, tokens, swapped, repeated and removed lines, gzip damage."""
    out = bytearray(data)
    for _ in range(int(generator.integers(1, 5))):
        if not out:
            break
        kind, at = int(generator.integers(8)), int(generator.integers(len(out)))
        if kind == 0:
            del out[at:]
        elif kind == 1:
            for place in generator.integers(len(out), size=int(generator.integers(1, 30))):
                out[place] ^= 1 << int(generator.integers(8))
        elif kind == 2:
            token = TOKENS[int(generator.integers(len(TOKENS)))]
            out[at : at + int(generator.integers(12))] = token
        elif kind == 3:
            del out[at : at + int(generator.integers(1, 300))]
        elif kind == 4:
            end = min(len(out), at + int(generator.integers(1, 2000)))
            out[at:at] = out[at:end]
        elif kind == 5:
            lines = bytes(out).split(b"\n")
            one, other = generator.integers(len(lines), size=2)
            lines[one], lines[other] = lines[other], lines[one]
            out = bytearray(b"\n".join(lines))
        elif kind == 6:
            out[at : at + 8] = f"{float(generator.normal()) * 10 ** int(generator.integers(-5, 12)):8.3g}".encode()
        else:
            packed = bytearray(gzip.compress(bytes(out)))
            packed[int(generator.integers(len(packed)))] ^= 1 << int(generator.integers(8))
            out = packed[: len(packed) - int(generator.integers(3))]
            break
    return bytes(out)


def check(data: bytes, folder: Path) -> str:
    """``read`` or ``refused``; any other exception passes through."""
    path = folder / "fuzzed"
    path.write_bytes(data)
    try:
        if not isinstance(read_complex(path), Complex):
            raise TypeError("read_complex did not return a Complex")
        read_models(path, keep_hydrogens=True, keep_waters=True)
    except InputError as error:
        if not str(error):
            raise TypeError("an InputError without a message") from error
        return "refused"
    return "read"


def _with_atheris(folder: Path, seconds: float) -> None:
    atheris = importlib.import_module("atheris")
    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}"], lambda data: check(data, folder))
    atheris.Fuzz()


def main() -> None:
    """Read the command line, fuzz, report; the exit code is 1 if anything but an InputError was raised."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true", help="guided fuzzing, if atheris is installed")
    arguments = parser.parse_args()
    generator = np.random.default_rng(arguments.seed)
    counts = {"read": 0, "refused": 0}
    failures: list[str] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        if arguments.atheris:
            _with_atheris(Path(scratch), arguments.minutes * 60)
            return
        raw = [path.read_bytes() for path in arguments.files]
        originals = [gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data for data in raw]
        end = time.monotonic() + arguments.minutes * 60
        for number in range(arguments.mutations):
            if time.monotonic() > end:
                break
            data = mutate(originals[number % len(originals)], generator)
            start = time.perf_counter()
            try:
                counts[check(data, Path(scratch))] += 1
            except Exception:
                name = arguments.files[number % len(originals)].name
                failures.append(f"mutation {number} of {name}\n{traceback.format_exc()}")
            slowest = max(slowest, time.perf_counter() - start)
    print(f"{counts['read']} read, {counts['refused']} refused, {len(failures)} failed; slowest {slowest:.2f} s")
    for failure in failures[:10]:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
