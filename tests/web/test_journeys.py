"What happens when somebody is quick, comes back, or does two things at once on the page."

from pages import SAYS_PAINTED, downloaded, heard, opened, own_styles, repainted
from playwright.sync_api import expect

CHOSEN = "#faces [aria-checked=true]"
THREE = "[...document.querySelectorAll('#faces button')].slice(1, 4)"  # not the one it begins with
CORRECTED = "!document.querySelector('#invert').parentElement.hidden"
ARABIC = """addEventListener("keydown", (event) => {
  if (event.key === "z") Object.defineProperty(event, "key", { value: "ئ" });
}, true);"""
GIVE = """([kind, name, target]) => {
  const data = new DataTransfer(), field = document.querySelector(target);
  data.items.add(new File(["x"], name, { type: "image/png" }));
  const how = { bubbles: true, cancelable: true };
  field.dispatchEvent(kind === "paste" ? new ClipboardEvent(kind, { clipboardData: data, ...how })
    : new DragEvent(kind, { dataTransfer: data, ...how }));
}"""
# As a browser refuses to send a folder.
NO_FOLDERS = """const before = fetch;
window.fetch = (address, how) => how?.body?.name === "folder" ? Promise.reject(new TypeError())
  : before(address, how);
Blob.prototype.slice = () => ({ arrayBuffer: () => Promise.reject(new Error()) });"""


def test_styles_that_are_chosen_while_it_paints_can_be_undone(visit, photos):
    tab = visit(script=ARABIC)
    opened(tab, photos / "china" / "0.jpg")
    names = tab.evaluate(f"{THREE}.map((button) => button.querySelector('.name').textContent)")
    repainted(tab, lambda: tab.evaluate(f"{THREE}.forEach((button) => button.click())"))
    for name in reversed(names[:-1]):
        tab.keyboard.press("Control+z")
        expect(tab.locator(CHOSEN)).to_contain_text(name)
    tab.reload()
    heard(tab, SAYS_PAINTED)
    expect(tab.locator(CHOSEN)).to_contain_text(names[0])


def test_corrections_survive_a_reload(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    assert not tab.evaluate(CORRECTED)
    tab.get_by_text("Correct by hand").click()
    repainted(tab, tab.locator("#picture").click)
    tab.reload()
    visit.errors.clear()  # the reload cut off what was being loaded
    heard(tab, "Corrected.")
    assert tab.evaluate(CORRECTED)
    opened(tab, photos / "china" / "1.jpg")
    tab.reload()
    visit.errors.clear()
    heard(tab, SAYS_PAINTED)
    assert not tab.evaluate(CORRECTED)


def test_a_folder_that_is_dropped_does_not_stop_the_page(visit, photos):
    tab = visit(script=NO_FOLDERS)
    opened(tab, photos / "china" / "0.jpg")
    tab.evaluate(GIVE, ["drop", "folder", "#picture"])
    heard(tab, "folder is damaged, or not a picture")
    assert downloaded(tab).suggested_filename.endswith(".jpg")


def test_what_is_pasted_into_a_name_is_no_style(visit, painting):
    tab = visit()
    own_styles(tab)
    tab.set_input_files("#new", painting)
    tab.locator("#called").wait_for()
    tab.evaluate(GIVE, ["paste", "cell.png", "#called"])
    tab.wait_for_timeout(500)
    expect(tab.locator("#told")).not_to_contain_text("cell")
