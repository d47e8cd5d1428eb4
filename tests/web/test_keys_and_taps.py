"The page by keyboard and on a phone: where the focus is, what is shared."

from pages import downloaded, heard, opened, repainted

REFUSES = """navigator.mediaDevices.getUserMedia =
  () => Promise.reject(new DOMException("Permission denied", "NotAllowedError"));"""


def test_a_second_tap_shares_what_took_long(visit, photos):
    tab = visit()
    made = []
    tab.on("request", lambda r: made.append(r.url) if r.url.endswith("/page/finish") else None)
    opened(tab, photos / "china" / "0.jpg")
    tab.evaluate("""() => {
        window.taps = 0;
        navigator.share = async ({ files }) => {
            if (!taps++) throw new DOMException("", "NotAllowedError");
            window.given = files[0].name;
        };
        document.getElementById("share").hidden = false;
    }""")
    tab.locator("#share").click()
    heard(tab, "It is ready. Tap Share again.")
    tab.locator("#share").click()
    heard(tab, "Shared at")
    assert tab.evaluate("given") == "0-starry_night.jpg"
    assert len(made) == 1
    repainted(tab, tab.get_by_label("the person").click)
    tab.locator("#share").click()  # the picture has changed
    heard(tab, "Shared at")
    assert len(made) == 2
    tab.evaluate("taps = 0")
    tab.locator("#share").click()
    heard(tab, "It is ready. Tap Share again.")
    tab.locator("#as").click()
    tab.locator("#save:enabled").wait_for()
    tab.locator("#quality").fill("50")
    tab.locator("#save:enabled").wait_for()
    tab.locator("#share").click()  # another quality
    heard(tab, "Shared at")
    assert len(made) == 6  # three to share, two to see what would be saved, and this one


def test_the_focus_stays_where_a_button_goes(visit, photos):
    tab, focus = visit(), "document.activeElement.id"
    opened(tab, photos / "china" / "0.jpg")
    tab.locator("#nearer").focus()
    for _ in range(9):
        tab.keyboard.press("Enter")
    assert tab.evaluate(focus) == "farther"
    repainted(tab, tab.get_by_role("radio", name="The Great Wave").click)
    tab.locator("#back").focus()
    repainted(tab, lambda: tab.keyboard.press("Enter"))
    assert tab.evaluate(focus) == "forth"
    downloaded(tab)
    assert tab.evaluate(focus) == "download"


def test_a_camera_that_is_refused(visit):
    tab = visit(script=REFUSES)
    tab.get_by_role("button", name="Camera").click()
    heard(tab, "The camera is not available (allow it in the browser’s settings).")
