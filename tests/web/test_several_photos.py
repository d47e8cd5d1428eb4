"Several photos at once, and what the page does not take."

import zipfile
from pathlib import Path

from pages import (
    forgiven,
    heard,
    opened,
    own_styles,
    painted_in_one_file,
    repainted,
    several,
)

GIVE = """([what, names, text]) => {
    const data = new DataTransfer();
    for (const name of names) {
        const [head, all] = picture.toDataURL("image/png").split(",");
        data.items.add(new File([Uint8Array.from(atob(all), (c) => c.charCodeAt(0))], name));
    }
    if (text) data.setData("text", text);
    const as = { bubbles: true, dataTransfer: data, clipboardData: data };
    const Kind = { drop: DragEvent, paste: ClipboardEvent }[what];
    document.body.dispatchEvent(new Kind(what, as));
}"""


def test_several_photos_become_one_file(visit, photos):
    tab = visit()
    all_of_them = several(photos)
    opened(tab, all_of_them)
    tab.get_by_role("radio", name="The Great Wave").click()
    with tab.expect_download(timeout=90_000) as download:
        tab.get_by_role("button", name="Paint all 4 photos").click()
    heard(tab, "3 of 4 photos are in faststyle-great_wave.zip.")
    heard(tab, "These could not be painted: bad.jpg.")
    forgiven(tab, visit)
    painted_in_one_file(download.value, all_of_them, "great_wave")
    opened(tab, photos / "flower" / "0.jpg")
    assert tab.get_by_role("button", name="Paint all").count() == 0


def test_a_batch_is_stopped_and_what_is_painted_is_saved(visit, photos):
    tab, asked = visit(), []
    opened(tab, [photos / "china" / "0.jpg", *[photos / "flower" / "0.jpg"] * 9])

    def hold(route):
        asked.append(route)
        if len(asked) == 1:  # the second photo waits until the batch is stopped
            route.continue_()

    tab.route("**/page/finish", hold)
    with tab.expect_download(timeout=90_000) as download:
        tab.get_by_role("button", name="Paint all 10 photos").click()
        for _ in range(1200):
            if len(asked) == 2:
                break
            tab.wait_for_timeout(50)
        assert len(asked) == 2
        tab.locator("#all").click()
        asked[1].continue_()
    heard(tab, "of 10 photos are in faststyle-")
    with zipfile.ZipFile(download.value.path()) as found:
        assert 0 < len(found.namelist()) < 10
    assert tab.get_by_role("button", name="Paint all 10 photos").is_enabled()


def test_what_is_not_taken_is_said(visit, photos):
    tab = visit()
    opened(tab, photos / "china" / "0.jpg")
    repainted(tab, lambda: tab.evaluate(GIVE, ["drop", ["a.png", "b.mp4"], ""]))
    assert heard(tab, "Only a.png was taken: open one file at a time.").startswith("Painted in")
    Path("c.mp4").write_bytes(b"")
    tab.locator("#file").set_input_files([photos / "flower" / "0.jpg", "c.mp4"])
    heard(tab, "Only 0.jpg was taken")
    tab.evaluate(GIVE, ["paste", [], "https://example.org/cat.jpg"])
    heard(tab, "This page takes files, not addresses.")
    own_styles(tab)
    tab.evaluate(GIVE, ["drop", [], "https://example.org/cat.jpg"])
    heard(tab, "This page takes files, not addresses.", "#told")
