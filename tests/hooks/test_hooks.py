"""Each hook, implemented by a plugin and used by the main job; and the documentation that each hook owes."""

from __future__ import annotations

import inspect
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.hooks import spec
from cdt_core.hooks.manager import discover
from cdt_core.model import ProcessorUse
from tests.datasets import smooth
from tests.hooks.conftest import Shelf

HOOKS = {name: hook for name, hook in vars(spec).items() if name.startswith("cdt_") and hasattr(hook, "cdt_spec")}


def test_cdt_readers(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(
        "sensor",
        """
        @hookimpl
        def cdt_readers():
            return [Reader(name="sensor", function="HERE:read", patterns=("*.sns",), magic=(Magic(0, b"SENSOR"),))]

        def read(source, allow_partial):
            import numpy as np, xarray as xr

            with source.open() as file:
                values = np.frombuffer(file.read()[6:], "<f4")
            return xr.Dataset({"level": ("time", values, {"units": "m"})})
        """,
    )
    path = tmp_path / "north.bin"
    path.write_bytes(b"SENSOR" + smooth((200,)).astype("<f4").tobytes())
    opened = cdt.open(path)
    np.testing.assert_array_equal(opened["level"], smooth((200,)))
    treated = cdt.treat(path, tmp_path / "out", bound="abs:0.01")
    assert [variable.name for variable in treated.plan.variables] == ["level"]


def test_cdt_processors(shelf: Shelf, data: xr.Dataset, tmp_path: Path) -> None:
    shelf.put(
        "knots",
        """
        @hookimpl
        def cdt_processors():
            return [Processor(name="knots.to_metres", function="HERE:to_metres")]

        def to_metres(values, spec, start, *, factor=0.514444):
            return (values * factor).astype(values.dtype)
        """,
    )
    wanted = {"u": ["knots.to_metres"]}
    treated = cdt.treat(data, tmp_path / "out", processors=wanted)
    assert treated.plan["u"].processors == (ProcessorUse("knots.to_metres"),)
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as stored:
        np.testing.assert_array_equal(stored["u"], (data["u"].values * 0.514444).astype("f4"))


def test_cdt_validators(shelf: Shelf, data: xr.Dataset, tmp_path: Path) -> None:
    shelf.put(
        "counting",
        """
        from cdt_core.model import Finding

        @hookimpl
        def cdt_validators():
            return [
                Validator(name="counting.values", function="HERE:Count", checks=("counting.values",)),
                Validator(name="counting.variables", function="HERE:variables", scope="dataset",
                          checks=("counting.variables",)),
            ]

        class Count:
            def __init__(self, spec, profile, bound):
                self.name = spec.name
            def start(self):
                return {"count": 0}
            def update(self, state, block):
                return {"count": state["count"] + block.original.size}
            def merge(self, left, right):
                return {"count": left["count"] + right["count"]}
            def finish(self, state):
                yield Finding(check="counting.values", dimension="completeness", value=state["count"],
                              variable=self.name)

        def variables(subject):
            return [Finding(check="counting.variables", dimension="completeness", value=len(list(subject)))]
        """,
    )
    treated = cdt.treat(data, tmp_path / "out", bound="rel:1e-3")
    found = {finding.check: finding for finding in treated.findings}
    assert (found["counting.values"].value, found["counting.values"].variable) == (2000, "u")
    assert found["counting.variables"].value == 1


def test_cdt_aggregators(shelf: Shelf) -> None:
    shelf.put(
        "sites",
        """
        @hookimpl
        def cdt_aggregators():
            return [Aggregator(name="sites.largest", function="HERE:largest", breakdown=0.0)]

        def largest(updates, weights):
            return updates.max(axis=0)
        """,
    )
    largest = shelf.catalog.aggregator("sites.largest").load()
    assert largest(np.array([[1.0, 5.0], [3.0, 2.0]]), np.ones(2)).tolist() == [3.0, 5.0]


def test_cdt_codecs(shelf: Shelf, data: xr.Dataset, tmp_path: Path) -> None:
    """A codec of a plugin that makes the smallest chunks is chosen, writes the store, and any Zarr reader decodes it."""
    shelf.put(
        "packed",
        """
        @hookimpl
        def cdt_codecs():
            return [CodecOffer(name="packed.gzip", function="HERE:Gzip", dtype_kinds="f")]

        class Gzip:
            def __init__(self, parameters, bound, missing):
                self.level = parameters["level"]

            @classmethod
            def candidates(cls, spec, profile, bound, objective):
                return [{"level": 9}]

            def encode(self, values):
                import gzip
                from cdt_core.hooks.contracts import Encoded

                return Encoded(gzip.compress(values.tobytes(), self.level, mtime=0))

            def decode(self, stream, shape, dtype):
                import gzip
                import numpy as np

                return np.frombuffer(gzip.decompress(stream), dtype).reshape(shape)

            def metadata(self, dtype):
                little = {"name": "bytes", "configuration": {"endian": "little"}}
                return [little, {"name": "gzip", "configuration": {"level": self.level}}]
        """,
    )
    planned = cdt.plan(data)["u"]
    assert "packed.gzip" in {candidate.codec for candidate in planned.candidates}
    replayed = cdt.plan(data, objective="size")
    only = planned_with(replayed, "packed.gzip", {"level": 9})
    cdt.treat(data, tmp_path / "out", plan=only)
    with xr.open_zarr(tmp_path / "out" / "data.zarr") as stored:
        np.testing.assert_array_equal(stored["u"], data["u"])
    metadata = json.loads((tmp_path / "out" / "data.zarr" / "u" / "zarr.json").read_text())
    assert [codec["name"] for codec in metadata["codecs"]] == ["bytes", "gzip"]


def planned_with(plan: cdt.Plan, codec: str, parameters: dict[str, Any]) -> cdt.Plan:
    """The plan with another codec for its one variable."""
    from attrs import evolve

    (variable,) = plan.variables
    return evolve(plan, variables=(evolve(variable, codec=codec, parameters=parameters),))


def test_cdt_policies(shelf: Shelf, tmp_path: Path) -> None:
    """One policy that a user names, and one without levels that adds its rule to whatever is in force."""
    shelf.put(
        "strict",
        """
        import json

        @hookimpl
        def cdt_policies():
            return [Policy(name="strict-2", function="HERE:strict"), Policy(name="extra", function="HERE:extra")]

        def rule(value):
            return {"op": "at_most", "value": value, "dimension": "completeness", "why": "nothing may be missing"}

        def strict():
            return json.dumps({"name": "strict-2", "extends": "core-1", "rules": {"core.missing_share": rule(0)}})

        def extra():
            return json.dumps({"name": "extra", "rules": {"core.missing_share": rule(9)}})
        """,
    )
    holes = smooth((40, 50))
    holes[3, :4] = np.nan
    data = xr.Dataset({"u": (("y", "x"), holes, {"units": "K"})})

    def verdict(folder: str, **more: Any) -> tuple[str | None, str]:
        treated = cdt.treat(data, tmp_path / folder, **more)
        (finding,) = [finding for finding in treated.findings if finding.check == "core.missing_share"]
        return finding.threshold, finding.verdict

    threshold, judged = verdict("plain")
    assert judged == "pass"
    assert "0.95" in str(threshold)  # the core's own rule: additions never change one
    assert verdict("strict", policy="strict-2")[1] == "fail"


def test_cdt_treatment_started(shelf: Shelf, data: xr.Dataset, tmp_path: Path) -> None:
    shelf.put("log", NOTIFIED.replace("HOOK", "started").replace("ARGUMENTS", "plan, output"))
    cdt.treat(data, tmp_path / "out", bound="rel:1e-3")
    (seen,) = told(tmp_path)
    assert seen == f"{tmp_path / 'out'} absent"


def test_cdt_treatment_finished(shelf: Shelf, data: xr.Dataset, tmp_path: Path) -> None:
    shelf.put("log", NOTIFIED.replace("HOOK", "finished").replace("ARGUMENTS", "treatment"))
    cdt.treat(data, tmp_path / "out", bound="rel:1e-3")
    (seen,) = told(tmp_path)
    assert seen == f"{tmp_path / 'out'} present"


#: A plugin that writes down, beside its own folder, which output it was told of and whether it was there.
NOTIFIED = """
    @hookimpl
    def cdt_treatment_HOOK(ARGUMENTS):
        from pathlib import Path

        given = locals()
        place = Path(given.get("output") or given["treatment"].path)
        state = "present" if (place / "certificate.json").exists() else "absent"
        with (Path(__file__).parents[1] / "told").open("a") as notes:
            notes.write(f"{place} {state}\\n")
"""


def told(folder: Path) -> list[str]:
    notes = folder / "told"
    return notes.read_text().splitlines() if notes.exists() else []


def test_a_failed_treatment_is_never_called_finished(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("log", NOTIFIED.replace("HOOK", "finished").replace("ARGUMENTS", "treatment"))
    with pytest.raises(cdt.CdtError):
        cdt.treat(xr.Dataset({"u": ("x", np.full(5, np.nan))}), tmp_path / "out", bound="rel:1e-3")
    assert told(tmp_path) == []


def test_a_notification_may_name_fewer_arguments_than_the_hook_has(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path
) -> None:
    shelf.put("log", NOTIFIED.replace("HOOK", "started").replace("ARGUMENTS", "output"))
    cdt.treat(data, tmp_path / "out")
    assert len(told(tmp_path)) == 1


@pytest.mark.parametrize("hook", ["started", "finished"])
def test_a_notification_that_raises_is_logged_and_nothing_more(
    shelf: Shelf, data: xr.Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture, hook: str
) -> None:
    shelf.put("angry", f"\n@hookimpl\ndef cdt_treatment_{hook}():\n    raise OSError('disk of the log is full')")
    shelf.put(
        "log", NOTIFIED.replace("HOOK", hook).replace("ARGUMENTS", "output" if hook == "started" else "treatment")
    )
    with caplog.at_level(logging.WARNING, "cdt.plugins"):
        cdt.treat(data, tmp_path / "out")
    assert f"plugin angry: cdt_treatment_{hook} raised OSError: disk of the log is full" in caplog.text
    assert len(told(tmp_path)) == 1
    assert (tmp_path / "out" / "certificate.json").is_file()


#: The hooks of API 1 and their arguments. Arguments may be added; taking one away, or a hook, needs a new API_VERSION.
API_1: dict[str, set[str]] = {
    "cdt_readers": set(),
    "cdt_processors": set(),
    "cdt_validators": set(),
    "cdt_aggregators": set(),
    "cdt_codecs": set(),
    "cdt_policies": set(),
    "cdt_treatment_started": {"plan", "output"},
    "cdt_treatment_finished": {"treatment"},
}


def test_hooks_and_their_arguments_are_only_ever_added() -> None:
    assert spec.API_VERSION == 1
    for name, arguments in API_1.items():
        assert arguments <= set(inspect.signature(HOOKS[name]).parameters)


def test_the_core_comes_by_the_same_door_as_everyone(shelf: Shelf) -> None:
    """Without its entry point there is no reader, validator or codec left."""
    nobody = discover([])
    assert not any((nobody.readers, nobody.validators, nobody.codecs, nobody.processors, nobody.policies))
    assert shelf.record("core").distribution == "cdt"
    without = discover(disabled=["core"])
    assert "core.fidelity" not in {validator.name for validator in without.validators}
    assert "netcdf" not in {reader.name for reader in without.readers}


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_says_when_it_fires_what_it_returns_and_what_if_it_raises(name: str) -> None:
    text = " ".join((inspect.getdoc(HOOKS[name]) or "").split())
    assert "Fires once" in text
    assert "Returns " in text or "The result is ignored" in text
    assert "If it raises" in text
    assert "Since version " in text
    for argument in inspect.signature(HOOKS[name]).parameters:
        assert argument in text
    assert inspect.signature(HOOKS[name]).return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_test_of_its_own(name: str) -> None:
    assert callable(globals().get(f"test_{name}"))


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_in_the_guide(name: str) -> None:
    guide = Path(__file__).parents[2] / "docs" / "plugins.md"
    assert f"`{name}`" in guide.read_text()
