"What screen readers hear of work that goes on, in Chromium if it is installed."

from faststyle_fastai.inference.html import page_text

# The line is heard unless it is off.
SHARES = """() => [0.1, 0.2, 0.3, null, 0.3].map((share) => {
    share === null ? say("stopped") : sayShare("filming", { state: String(share) }, share);
    return $("said").ariaLive !== "off";
})"""


def test_each_quarter_of_work_is_heard_and_where_other_work_begins(chromium):
    with chromium.new_page() as tab:
        tab.set_content(page_text(["common.js"], "script-src {digests}", {}))
        assert tab.evaluate(SHARES) == [True, False, True, True, True]
