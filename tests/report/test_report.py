"""The report: self-contained, under its size whatever is treated, safe with hostile names, and sound in a real browser."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

import cdt_core as cdt
from cdt_core.report import numbers
from cdt_core.report.render import MAX_BYTES
from tests.datasets import climate, smooth

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    out = cdt.treat(
        climate(), folder / "out", bound={"temperature": "abs:0.05", "pressure": "rel:1e-3", "*": "lossless"}
    )
    return out, (out.path / "report.html").read_text()


def _dom(tmp_path, page: str, *flags: str) -> str:
    """The page's document once its scripts have run."""
    path = tmp_path / "page.html"
    path.write_text(page)
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    run = subprocess.run(
        [*command, *flags, "--virtual-time-budget=2000", "--dump-dom", path.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return run.stdout


def _measured(tmp_path, page: str, script: str, *flags: str):
    """What ``script`` (an expression) is in the page."""
    probe = f"<script>document.title = JSON.stringify({script})</script>"
    dom = _dom(tmp_path, page.replace("</body>", probe + "</body>"), *flags)
    return json.loads(html.unescape(re.search(r"<title>(.*?)</title>", dom, re.DOTALL)[1]))


def test_it_says_what_was_measured(report):
    out, text = report
    assert out.certificate.level.replace("_", " ") in text
    for outcome in out.outcomes:
        assert outcome.name in text
        assert repr(outcome.max_error) in text
    for heading in (
        "Certificate",
        "Variables",
        "Before and after",
        "Findings",
        "Plan",
        "What the certificate does not say",
    ):
        assert heading in text
    assert html.escape(out.certificate.limits[0], quote=True).replace("&#x27;", "&#39;")[:60] in text
    assert text.count('src="data:image/png;base64,') >= 6


def test_it_shows_what_was_predicted_beside_what_was_measured(report):
    out, text = report
    plan = text[text.index('id="h-plan"') :]
    said = f"Predicted: {numbers.size(out.plan.predicted_bytes)} in {numbers.seconds(out.plan.predicted_seconds)}. "
    assert f"{said}Measured: {numbers.size(out.stored_bytes)}" in plan
    assert "every variable&#39;s best option" in plan
    for outcome in out.outcomes:
        variable = out.plan[outcome.name]
        if not variable.candidates:
            continue
        line = plan[plan.index(f'<th scope="row">{outcome.name}</th>') :].partition("</tr>")[0]
        cells = re.findall(r'<td class="num">(.*?)</td>', line)
        assert cells == [
            numbers.size(variable.predicted_bytes),
            numbers.size(outcome.stored_bytes),
            numbers.seconds(variable.predicted_seconds),
            numbers.seconds(out.variable_seconds[outcome.name]),
        ]


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.00042, "0.42 ms"), (0.25, "250 ms"), (1.5, "1.5 s"), (4000.4, "4000 s")]
)
def test_times_for_people(value, shown):
    assert numbers.seconds(value) == shown.replace(" ", "\u00a0")


def test_a_number_and_its_unit_share_a_line():
    assert " " not in numbers.size(531_000) + numbers.size(12) + numbers.percent(0.5) + numbers.seconds(0.1)


def test_it_shows_the_chosen_of_many_options_and_folds_the_others(tmp_path):
    out = cdt.treat(climate(), tmp_path / "out", bound="rel:1e-3", objective="fidelity", max_size=10**7)
    text = (out.path / "report.html").read_text()
    many = [variable for variable in out.plan.variables if len(variable.candidates) > 8]
    assert many
    for variable in many:
        line = text[text.rindex(f'<th scope="row">{variable.name}</th>') :].partition("</tr>")[0]
        shown, folded = line.split("<details>")
        assert shown.count('class="candidate chosen"') == shown.count('class="candidate') == 1
        assert folded.count('class="candidate"') == len(variable.candidates) - 1
        assert f"and {len(variable.candidates) - 1} others" in folded


def test_it_needs_nothing_from_outside(report):
    _, text = report
    assert not re.search(r"""(?:src|href)=["'](?!data:|#)""", text)
    assert "@import" not in text
    assert "url(" not in text.replace("url(data:", "")
    assert len(text.encode()) <= MAX_BYTES


def test_hostile_names_and_attributes_are_text(tmp_path):
    evil = "<script>alert(1)</script>"
    data = xr.Dataset(
        {"a": ("x", [1.0, 2.0], {"long_name": evil, "units": '"><img src=x>'})}, attrs={"title": evil, evil: evil}
    )
    out = cdt.treat(data, tmp_path / "out")
    text = (out.path / "report.html").read_text()
    assert evil not in text
    assert "<img src=x>" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_what_has_no_value_has_no_scale_and_text_is_called_text(tmp_path):
    data = xr.Dataset({"empty": ("x", [np.nan, np.nan]), "name": ("x", np.array(["a", "b"], object))})
    text = (cdt.treat(data, tmp_path / "out").path / "report.html").read_text()
    assert "before and after along" not in text
    assert "<td>text</td>" in text
    assert "zarr.string, text, stored values" in text


@pytest.mark.parametrize("count", [400])
def test_many_variables_stay_under_the_limit(tmp_path, count):
    data = xr.Dataset({f"variable_{i}": (("y", "x"), smooth((40, 50), i)) for i in range(count)})
    out = cdt.treat(data, tmp_path / "out", bound="abs:0.01")
    text = (out.path / "report.html").read_text()
    assert len(text.encode()) <= MAX_BYTES
    assert "more have their figures in the table above" in text


def test_noise_pictures_stay_under_the_limit(tmp_path):
    """Noise is what PNG compresses least."""
    rng = np.random.default_rng(0)
    data = xr.Dataset({f"n{i}": (("y", "x"), rng.normal(size=(600, 600)).astype("f4")) for i in range(20)})
    out = cdt.treat(data, tmp_path / "out", bound="abs:0.001")
    assert len((out.path / "report.html").read_bytes()) <= MAX_BYTES


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0"),
        (1234.5, "1\u202f234"),
        (-0.5, "−0.5"),
        (1.5e-7, "1.5 × 10⁻⁷"),
        (2.5e9, "2.5 × 10⁹"),
        (float("inf"), "∞"),
        (float("nan"), "NaN"),
        (0.9999863, "0.9999863"),
        (12345678, "12\u202f345\u202f678"),
        ("inf", "∞"),
        (-0.0, "0"),
        (-112, "−112"),
        (10**15, "1 × 10¹⁵"),
    ],
)
def test_numbers_for_people(value, shown):
    assert numbers.number(value) == shown


@browser
@pytest.mark.browser
def test_a_browser_shows_it_without_errors(report, tmp_path):
    catcher = "<script>window.faults = []; window.onerror = (m) => { window.faults.push(String(m)) }</script>"
    page = report[1].replace("<head>", "<head>" + catcher)
    seen = _measured(
        tmp_path,
        page,
        """{faults: window.faults,
            broken: [...document.images].filter(i => !i.complete || !i.naturalWidth).length,
            images: document.images.length,
            wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            button: !document.getElementById("theme").hidden}""",
        "--window-size=1200,900",
    )
    assert seen["faults"] == []
    assert seen["broken"] == 0
    assert seen["images"] >= 6
    assert seen["wide"] <= 0
    assert seen["button"]


@browser
@pytest.mark.browser
def test_it_fits_a_phone(report, tmp_path):
    style = "width:400px;height:800px;border:0"
    frame = f'<!doctype html><title></title><body><iframe id="f" style="{style}" srcdoc="{html.escape(report[1])}"></iframe>'
    script = """<script>document.getElementById("f").onload = (e) => {
        const d = e.target.contentDocument.documentElement;
        d.querySelectorAll("details").forEach((each) => { each.open = true });
        const cut = [...d.querySelectorAll(".findings")].filter((t) => t.parentNode.scrollWidth > t.parentNode.clientWidth);
        document.title = JSON.stringify([d.clientWidth, d.scrollWidth, cut.length]) }</script></body>"""
    dom = _dom(tmp_path, frame + script, "--hide-scrollbars")
    client, scroll, cut = json.loads(re.search(r"<title>(.*?)</title>", dom)[1])
    assert client == 400
    assert scroll <= client
    assert not cut


@browser
@pytest.mark.browser
def test_dark_and_light_have_readable_contrast(report, tmp_path):
    script = """(() => { const s = getComputedStyle(document.body);
        const l = (c) => { const v = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 :
            ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] };
        const a = l(s.color), b = l(s.backgroundColor);
        return {ratio: (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), dark: b < a} })()"""
    light = _measured(tmp_path, report[1], script)
    dark = _measured(tmp_path, report[1].replace("<html", '<html data-theme="dark"'), script)
    assert light["ratio"] >= 7
    assert dark["ratio"] >= 7
    assert (light["dark"], dark["dark"]) == (False, True)


@browser
@pytest.mark.browser
def test_a_table_sorts_by_a_click(report, tmp_path):
    script = """(() => { const t = document.getElementById("variables"); const h = t.tHead.rows[0].cells[6];
        (h.querySelector("button") || h).click();
        return [...t.tBodies[0].rows].map(r => Number(r.cells[6].dataset.v)) })()"""
    ratios = _measured(tmp_path, report[1], script)
    assert ratios in (sorted(ratios), sorted(ratios, reverse=True))
    assert len(ratios) == len(report[0].outcomes)


@browser
@pytest.mark.browser
def test_it_prints(report, tmp_path):
    page = tmp_path / "page.html"
    page.write_text(report[1])
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    target = tmp_path / "report.pdf"
    subprocess.run([*command, f"--print-to-pdf={target}", page.as_uri()], capture_output=True, check=True, timeout=120)
    assert target.read_bytes().startswith(b"%PDF")
