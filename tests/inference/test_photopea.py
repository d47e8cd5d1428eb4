"The studio beside Photopea."

import json
import shutil
from io import BytesIO
from pathlib import Path
from urllib.request import urlopen

from exported import away
from pages import served
from PIL import Image

from faststyle_fastai.all import Stylizer

PAGE = Path(__file__).parents[2] / "bridges" / "photopea.html"
# In place of Photopea: gives a picture when asked to save, and shows the scripts that it gets.
EDITOR = """<script type="module">
const tell = (words) => parent.postMessage(words, "*");
addEventListener("message", async ({ data }) => {
  document.title = data;
  if (data.includes("saveToOE")) tell(await (await fetch("photo.png")).arrayBuffer());
  tell("done");
});
tell("done");
</script>"""


ZIP = """() => {
  const href = URL.createObjectURL(new Blob(["PK"], { type: "application/zip" }));
  Object.assign(document.createElement("a"), { href, download: "all.zip" }).click();
}"""


def test_a_picture_of_photopea_comes_back_painted(chromium, one_page, photos, tmp_path):
    (tmp_path / "studio").mkdir()
    shutil.copy(one_page, tmp_path / "studio" / "index.html")  # the studio with less in it
    Image.open(photos / "china" / "0.jpg").save(tmp_path / "photo.png")
    (tmp_path / "editor.html").write_text(EDITOR)
    page = PAGE.read_text(encoding="utf-8")
    (tmp_path / "index.html").write_text(page.replace("https://www.photopea.com/", "editor.html"))
    context = chromium.new_context(reduced_motion="reduce")
    with served(tmp_path) as address:
        tab = context.new_page()
        tab.goto(address)
        inside = tab.frame_locator("#studio")
        inside.get_by_text("Ready.").wait_for(timeout=60_000)
        tab.click("#take")
        inside.locator("body:not([data-painted='0'])").wait_for(timeout=90_000)
        inside.locator("#download").click()
        inside.get_by_text("Saved at 96×72 px").wait_for()
        editor = tab.frames[1]
        editor.wait_for_function("document.title.startsWith('app.open')")
        script = editor.title()
        with tab.expect_download() as download:  # what is no image is saved as ever
            tab.frames[2].evaluate(ZIP)
        assert download.value.suggested_filename == "all.zip"
    context.close()
    address, *how = json.loads(f"[{script.removeprefix('app.open(').removesuffix(')')}]")
    assert address.startswith("data:image/png;base64,") and how == [None, True]
    with urlopen(address) as data:
        painted = Image.open(BytesIO(data.read()))
    expected = Stylizer("slim:starry_night", "cpu", "float32")(tmp_path / "photo.png")
    assert painted.size == (96, 72) and away(expected, painted) < 1
