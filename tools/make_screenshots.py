"""Take the documentation's screenshots of the web page, with Chromium (Playwright).

python tools/make_screenshots.py [--chromium /usr/bin/chromium]
"""

import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from PIL import Image
from playwright.sync_api import sync_playwright
from sklearn import datasets

from faststyle_fastai.all import ASSETS, export_studio, save_picture
from faststyle_fastai.web.app import web_page

IMAGES = Path(__file__).parent.parent / "nbs" / "images"
PHOTO = Path(datasets.__file__).parent / "images" / "china.jpg"
PAINTING = ASSETS / "composition_vii.jpg"
PORT = 8791
SLOW = 120_000  # ms to wait
VIEW = {"width": 1366, "height": 768}


def main(chromium: str | None = shutil.which("chromium")):
    "Take the screenshots, with this program or Playwright's own."
    with (
        TemporaryDirectory() as folder,
        TemporaryDirectory() as elsewhere,
        web_page(folder, port=PORT),
        sync_playwright() as driver,
    ):
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport=VIEW, reduced_motion="reduce")
        tab.goto(f"http://127.0.0.1:{PORT}")
        open_photo(tab)
        shoot(tab, "page.jpg")
        painting = Path(elsewhere) / "my kandinsky.jpg"
        shutil.copy(PAINTING, painting)
        tab.get_by_role("link", name="My styles").click()
        tab.locator("#new").set_input_files(painting)
        tab.get_by_role("button", name="Train it", exact=True).click(timeout=SLOW)
        tab.wait_for_timeout(60_000)
        shoot(tab, "page-train.jpg")
        tab.get_by_role("button", name="Stop").click()
        tab.get_by_text("What it has learned is saved.").wait_for(timeout=SLOW)
        tab.wait_for_timeout(2000)
        shoot(tab, "page-styles.jpg")
        tab.goto(export_studio(Path(folder) / "studio.html").as_uri())
        open_photo(tab)
        shoot(tab, "page_export.jpg")
        browser.close()


def open_photo(page):
    "Paint a photo in a style, and its thumbnails in all."
    page.get_by_text("Ready.").wait_for(timeout=SLOW)
    page.locator("#file").set_input_files(PHOTO)
    page.locator("#styles canvas").nth(5).wait_for(timeout=SLOW)
    before = page.locator("body").get_attribute("data-painted")
    page.get_by_role("radio", name="The Scream").click()
    page.locator(f"body:not([data-painted='{before}'])").wait_for(timeout=SLOW)
    page.locator("#split").fill("35")


def shoot(tab, name):
    tab.evaluate("scrollTo(0, 0)")
    tab.wait_for_timeout(500)
    picture = Image.open(io.BytesIO(tab.screenshot()))
    save_picture(picture.convert("RGB").resize((1024, 576)), IMAGES / name)


if __name__ == "__main__":
    typer.run(main)
