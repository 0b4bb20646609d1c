"""What a person meets when something is wrong: one message, the right exit code, a log only for what nobody foresaw."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from unfreeze.cli.errors import ErrorReporter
from unfreeze.cli.main import app
from unfreeze.errors import InputError, UnfreezeError


def end_of(error: BaseException, *, debug: bool = False) -> int:
    with pytest.raises(typer.Exit) as caught, ErrorReporter(debug=debug):
        raise error
    return caught.value.exit_code


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (InputError("x.pdb, line 3: no"), 2, "Error: x.pdb, line 3: no\n"),
        (UnfreezeError("no frame passed"), 1, "Error: no frame passed\n"),
        (FileNotFoundError(2, "No such file or directory", "a.xtc"), 1, "Error: a.xtc: No such file or directory\n"),
        (OSError(28, "No space left on device"), 1, "Error: writing the results: No space left on device\n"),
        (MemoryError(), 1, "Error: out of memory. Ask for fewer frames (-n), or for some of the chains (--chains).\n"),
        (KeyboardInterrupt(), 130, "Interrupted; nothing was written.\n"),
    ],
)
def test_foreseen_errors_are_one_line(
    error: BaseException, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_of(error) == code
    assert capsys.readouterr() == ("", message)


def test_an_unforeseen_error_apologises_and_keeps_the_traceback_in_a_log(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UNFREEZE_LOG", str(tmp_path / "logs"))
    assert end_of(ZeroDivisionError("division by zero")) == 1
    shown = capsys.readouterr().err
    (log,) = (tmp_path / "logs").iterdir()
    assert "ZeroDivisionError: division by zero" in shown
    assert str(log) in shown
    assert "Traceback" not in shown
    assert "Traceback" in log.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_does_not_hide_the_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("UNFREEZE_LOG", str(tmp_path / "file"))
    assert end_of(ZeroDivisionError("division by zero")) == 1
    assert "division by zero" in capsys.readouterr().err


def test_debug_shows_the_traceback_and_keeps_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert end_of(InputError("x.pdb: no"), debug=True) == 2
    assert "Traceback" in capsys.readouterr().err


def test_sigterm_unwinds_like_an_exception() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as caught, ErrorReporter():
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("error", "word"), [(KeyboardInterrupt(), "Interrupted"), (SystemExit(143), "Terminated")])
def test_a_verb_that_writes_as_it_goes_says_what_is_kept(
    error: BaseException, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises((typer.Exit, SystemExit)), ErrorReporter() as reporter:
        reporter.kept = "3 of 9 results are kept."
        raise error
    assert capsys.readouterr().err == f"{word}; 3 of 9 results are kept.\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample"], "Missing argument 'INPUT'"),
        (["sample", "x.pdb", "-n", "0"], "--frames"),
        (["sample", "x.pdb", "-n", "many"], "--frames"),
        (["sample", "x.pdb", "--timescale", "5parsec"], "--timescale"),
        (["sample", "x.pdb", "--temperature", "-3"], "--temperature"),
        (["sample", "x.pdb", "--chains", "A,,B"], "--chains"),
        (["sample", "x.pdb", "--format", "dcd"], "--format"),
        (["sample", "x.pdb", "--seed", "-1"], "--seed"),
        (["sample", "x.pdb", "--model-number", "0"], "--model-number"),
        (["sample", "x.pdb", "--colour", "red"], "No such option"),
        (["thaw", "x.pdb"], "No such command"),
    ],
)
def test_wrong_options_end_with_2_and_name_the_option(
    arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []
