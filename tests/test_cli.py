"""The command, as a person types it: output, JSON, exit codes, and no traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from cdt_core.arguments import size as size_of
from cdt_core.errors import CdtError
from cdt_core.model.plan import PLAN_VERSION
from tests.datasets import climate_file

CDT = [sys.executable, "-m", "cdt_core"]


@pytest.fixture
def run(tmp_path):
    def call(*arguments, **environment):
        return subprocess.run(
            [*CDT, *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env={**os.environ, "CDT_KEY": str(tmp_path / "key.pem"), **environment},
        )

    return call


@pytest.fixture
def source(tmp_path):
    return climate_file(tmp_path / "climate.nc")


def test_treat_verify_and_export(run, source, tmp_path):
    treated = run("treat", source, "-o", "era", "--bound", "rel:1e-3", "--var", "temperature=abs:0.01")
    assert treated.returncode == 0, treated.stderr
    assert "certificate:" in treated.stdout
    assert "report.html" in treated.stdout
    assert "treat: 100" not in treated.stdout
    verified = run("verify", "era", "--original", source)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "verified" in verified.stdout
    for target in ("plain.nc", "plain.zarr"):
        assert run("export", "era", target).returncode == 0
        assert (tmp_path / target).exists()
    with (
        xr.open_dataset(tmp_path / "plain.nc", engine="h5netcdf") as plain,
        xr.open_dataset(source, engine="h5netcdf") as before,
    ):
        xr.testing.assert_allclose(plain["temperature"], before["temperature"], atol=0.011, rtol=0)


def test_every_command_has_json(run, source):
    assert json.loads(run("inspect", source, "--json").stdout)["variables"]
    assert json.loads(run("plan", source, "--json").stdout)["version"] == PLAN_VERSION
    treated = json.loads(run("treat", source, "-o", "era", "--json").stdout)
    assert treated["ratio"] > 1
    assert treated["certificate"]["level"]
    verified = json.loads(run("verify", "era", "--json").stdout)
    assert verified["ok"] is True
    assert {check["name"] for check in verified["checks"]} >= {"signature", "merkle root", "chunks"}
    assert json.loads(run("export", "era", "era.nc", "--json").stdout)["written"]
    assert json.loads(run("plugins", "--json").stdout)[0]["name"] == "core"
    assert json.loads(run("demo", "-o", "demo", "--json").stdout)["outcomes"]


def test_parameters_and_times_are_printed_for_people(run, source):
    planned = run("plan", source, "--bound", "rel:1e-3").stdout
    assert re.search(r"cdt\.bounded (fast|balanced) +(stored|decoded)", planned)
    assert "{" not in planned
    assert re.search(r"predicted: [\d.]+ k?B in [\d.]+ m?s on all workers", planned)
    limited = run("plan", source, "--bound", "rel:1e-3", "--max-size", "3700").stdout
    assert "chosen by annealing" in limited
    assert "0.00%" not in limited


def test_inspect_and_plan_speak_to_people(run, source, tmp_path):
    inspected = run("inspect", source)
    assert "temperature" in inspected.stdout
    assert "degrees_north" in inspected.stdout
    planned = run("plan", source, "--bound", "rel:1e-3", "-o", "plan.json")
    assert "predicted" in planned.stdout
    assert json.loads((tmp_path / "plan.json").read_text())["variables"]
    assert run("treat", source, "-o", "out", "--plan", "plan.json").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["treat", "missing.nc", "-o", "out"], "missing.nc"),
        (["treat", "climate.nc", "-o", "out", "--bound", "rel:-1"], "above 0"),
        (["treat", "climate.nc", "-o", "out", "--var", "tempo=abs:1"], "matches no variable"),
        (["treat", "climate.nc", "-o", "out", "--var", "temperature"], "NAME=BOUND"),
        (["treat", "climate.nc", "-o", "out", "--max-size", "many"], "--max-size"),
        (["treat", "climate.nc", "-o", "out", "--objective", "beauty"], "objective"),
        (["treat", "climate.nc", "-o", "out", "--key", "none.pem"], "none.pem"),
        (["treat", "climate.nc", "-o", "out", "--plan", "none.json"], "none.json"),
        (["treat", "climate.nc", "-o", "out", "--process", "temperature=polish"], "polish"),
        (["treat", "garbage.nc", "-o", "out"], "garbage.nc"),
        (["treat", "empty.csv", "-o", "out"], "empty"),
        (["inspect", "garbage.nc"], "garbage.nc"),
        (["treat", "climate.nc", "-o", "climate.nc"], "--overwrite"),
        (["verify", "nowhere"], "no treatment"),
        (["export", "nowhere", "x.nc"], "no treatment"),
        (["treat", "climate.nc", "-o", "out", "--workers", "0"], "worker"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(run, source, tmp_path, arguments, said):
    (tmp_path / "garbage.nc").write_bytes(b"CDF\x01" + bytes(range(60)))
    (tmp_path / "empty.csv").write_bytes(b"")
    result = run(*arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
    assert not list(tmp_path.glob(".out*"))


def test_debug_shows_where(run, source):
    assert "Traceback" in run("--debug", "treat", "missing.nc", "-o", "out").stderr


def test_errors_are_json_when_asked(run):
    result = run("inspect", "missing.nc", "--json")
    assert json.loads(result.stdout)["error"]["kind"] == "ReaderError"
    assert result.returncode == 2


def test_verify_says_what_fails_first_and_exits_with_1(run, source, tmp_path):
    run("treat", source, "-o", "out", "--bound", "abs:0.1")
    chunk = tmp_path / "out" / "data.zarr" / "temperature" / "c" / "0" / "0" / "0"
    damaged = bytearray(chunk.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    chunk.write_bytes(damaged)
    result = run("verify", "out")
    assert result.returncode == 1
    assert "chunk 0, 0, 0 of variable 'temperature'" in result.stdout


def test_the_key_is_made_once_and_for_its_owner_alone(run, source, tmp_path):
    first = json.loads(run("treat", source, "-o", "a", "--json").stdout)
    assert first
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    ids = {json.loads(run("verify", name, "--json").stdout)["key_id"] for name in ("a",)}
    run("treat", source, "-o", "b")
    ids |= {json.loads(run("verify", "b", "--json").stdout)["key_id"]}
    assert len(ids) == 1
    (tmp_path / "key.pem").chmod(0o644)
    refused = run("treat", source, "-o", "c")
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr


def test_version_and_help(run):
    assert run("--version").stdout.startswith("cdt ")
    for command in ("treat", "plan", "inspect", "verify", "export", "plugins", "demo"):
        assert "--json" in run(command, "--help").stdout
    assert "..." not in run("--help", COLUMNS="80").stdout.partition("Commands:")[2]  # each first sentence is whole
    for command, default in (("treat", "(lossless)"), ("plan", "(lossless)"), ("demo", "rel:1e-3")):
        said = " ".join(run(command, "--help").stdout.split()).partition("--bound BOUND")[2].partition("--")[0]
        assert [f"[default: {default}]" in said, said.count("[default")] == [True, 1]


@pytest.mark.parametrize("text", ["inf", "1e400", "nan", "-1", "0", "0.5", "2GiB", "GB", "", "1e3 XB"])
def test_odd_sizes_are_refused(text):
    with pytest.raises(CdtError, match="--max-size"):
        size_of(text)


@pytest.mark.parametrize(("text", "size"), [("2GB", 2 * 10**9), (" 1.5 mb ", 1_500_000), ("10", 10), ("1e3", 1000)])
def test_sizes(text, size):
    assert size_of(text) == size


def test_a_plan_never_replaces_anything_but_a_plan(run, source, tmp_path):
    for name in ("climate.nc", "mine.txt"):
        (tmp_path / "mine.txt").write_text("[1]")
        before = (tmp_path / name).read_bytes()
        refused = run("plan", source, "-o", name)
        assert refused.returncode == 2
        assert "is no plan" in refused.stderr
        assert (tmp_path / name).read_bytes() == before
    for _ in range(2):
        assert run("plan", source, "-o", "plan.json").returncode == 0
    nowhere = run("plan", source, "-o", "none/plan.json")
    assert nowhere.returncode == 2
    assert "none/plan.json" in nowhere.stderr


def test_names_of_any_alphabet_on_a_terminal_of_few(run, tmp_path):
    (tmp_path / "ü.csv").write_text("grüße,b\n1,2\n3,4\n", encoding="utf-8")
    for command in (["inspect", "ü.csv"], ["treat", "ü.csv", "-o", "ü"], ["verify", "ü"]):
        done = run(*command, PYTHONIOENCODING="ascii")
        assert done.returncode == 0, done.stderr


def test_parameters_of_a_processor_are_an_object(run, source):
    refused = run("treat", source, "-o", "out", "--process", "temperature=mask_values:[1]")
    assert refused.returncode == 2
    assert 'no JSON object such as {"codes": [-9999]}' in refused.stderr
    assert "sequence" not in refused.stderr


@pytest.mark.parametrize(("command", "goes_on"), [("treat", True), ("inspect", False), ("verify", False)])
def test_an_interruption_is_told_and_what_can_go_on(command, goes_on):
    code = f"""
import sys
from cdt_core import api, cli

def interrupted(*_, **__):
    raise KeyboardInterrupt

api.{command} = interrupted
sys.argv = ["cdt", {command!r}, "any.nc", *{["-o", "out"] if command == "treat" else []}]
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 130
    assert "cdt: interrupted" in done.stderr
    assert ("run the same command again" in done.stderr) == goes_on
    assert "Traceback" not in done.stderr


def test_a_bound_beside_a_plan_is_refused_and_not_ignored(run, source):
    assert run("plan", source, "-o", "plan.json", "-b", "abs:1").returncode == 0
    refused = run("treat", source, "-o", "out", "--plan", "plan.json", "--bound", "lossless")
    assert refused.returncode == 2
    assert "a plan has its own bounds" in refused.stderr


def _no_json_number(name):
    raise AssertionError(f"{name} is no number of JSON")


def test_what_is_printed_as_json_is_strict_json(run, tmp_path):
    (tmp_path / "empty.csv").write_text("a,b\n")
    xr.Dataset({"t": ("x", [1, 2], {"valid_max": float("nan")})}).to_netcdf(tmp_path / "nan.nc", engine="h5netcdf")
    for arguments in (["inspect", "nan.nc"], ["treat", "empty.csv", "-o", "out"]):
        done = run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        json.loads(done.stdout, parse_constant=_no_json_number)
    assert '"valid_max": "NaN"' in run("inspect", "nan.nc", "--json").stdout


def test_a_sentence_stays_one_line_in_a_pipe(run, tmp_path):
    (tmp_path / "t.csv").write_text("name,x\na,1.5\nb,2.5\n")
    inspected = run("inspect", "t.csv").stdout
    assert "t.csv: 2 variables" in inspected
    assert " text " in inspected
    run("treat", "t.csv", "-o", "out")
    lines = run("verify", "out").stdout.splitlines()
    assert all(line.startswith(("ok ", "verified (")) for line in lines), lines
    assert any(len(line) > 120 for line in lines)
    (tmp_path / "out" / "certificate.json").write_text("{}")
    assert "signed by )" not in run("verify", "out").stdout


@pytest.mark.parametrize(("bound", "told"), [("rel:1e-3", True), ("abs:0.1", False)])
def test_a_range_that_codes_for_no_value_stretch_is_told(run, tmp_path, bound, told):
    values = np.random.default_rng(0).normal(280, 5, (50, 60)).astype("f4")
    values[0, 0] = -9999
    np.save(tmp_path / "t.npy", values)
    done = run("treat", "t.npy", "-o", "out", "--bound", bound)
    assert done.returncode == 0, done.stderr
    assert "undeclared_sentinels of array is 1" in done.stdout
    assert ("beware: the range of array" in done.stdout) is told


def test_more_bytes_than_were_asked_for_are_told_and_an_exit_code(tmp_path, run):
    field = np.random.default_rng(0).normal(size=(100, 100))
    np.save(tmp_path / "field.npy", field)
    planned = json.loads(run("plan", "field.npy", "--bound", "abs:0.1", "--json").stdout)
    for name, budget, code in (("enough", 80_000, 0), ("few", 1000, 1)):
        (tmp_path / "plan.json").write_text(json.dumps({**planned, "max_size": budget}))
        done = run("treat", "field.npy", "-o", name, "--plan", "plan.json")
        assert done.returncode == code, done.stderr
        assert ("over the size asked for" in done.stdout) is bool(code)
        assert run("verify", name).returncode == 0
