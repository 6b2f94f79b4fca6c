"""Every drawing opens in bpmn-js, the viewer we ship, without a warning and with every shape on the screen."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from workflow_picture import Picture

ROOT = Path(__file__).parents[2]
DRAWINGS = sorted((ROOT / "workflows").glob("*.bpmn"))
VIEWERS = sorted((ROOT / "web" / "static" / "vendor").glob("bpmn-js@*"))

pytestmark = pytest.mark.browser

OPEN = """async (xml) => {
  const viewer = new BpmnJS({
    container: '#canvas',
    textRenderer: {
      defaultStyle: { fontFamily: '"Noto Sans CJK SC", sans-serif', fontSize: 14 },
      externalStyle: { fontSize: 13 },
    },
  });
  const { warnings } = await viewer.importXML(xml);
  viewer.get('canvas').zoom('fit-viewport');
  const registry = viewer.get('elementRegistry');
  const inside = registry.filter((one) => one.type !== 'label' && one.businessObject && one.parent);
  const mark = document.querySelector('.bjs-powered-by');
  return {
    warnings: warnings.map((one) => one.message),
    drawn: inside.map((one) => one.id),
    mark: Boolean(mark && mark.getBoundingClientRect().width),
  };
}"""


@pytest.fixture(scope="module")
def page():
    chromium = os.environ.get("BANGFU_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not VIEWERS:
        pytest.skip("LOUD: the viewer is missing; run script/front_end")
    if chromium is None:
        pytest.skip("LOUD: no Chromium on this machine; set BANGFU_CHROMIUM")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 2400, "height": 1200})
        yield page
        browser.close()


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_opens_without_a_warning(page, path):
    told = []
    page.on("console", lambda message: told.append(message.text))
    page.set_content("<div id=canvas style='width:2300px;height:1100px'></div>")
    for sheet in ("diagram-js.css", "bpmn-js.css"):
        page.add_style_tag(content=(VIEWERS[0] / sheet).read_text(encoding="utf-8"))
    page.add_script_tag(content=(VIEWERS[0] / "bpmn-navigated-viewer.production.min.js").read_text(encoding="utf-8"))
    seen = page.evaluate(OPEN, path.read_text(encoding="utf-8"))
    picture = Picture.read(path)
    assert seen["warnings"] == []
    assert told == []
    assert set(picture.shapes) | set(picture.lines) <= set(seen["drawn"])
    assert seen["mark"], "the mark of bpmn.io stays visible"
