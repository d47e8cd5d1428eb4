"What several tabs of the page share."

__all__ = ["fetch", "hidden_file", "image_field", "start_and_stop", "stop_jobs", "style_strip"]


def image_field(gr, value=None, **how):
    """Build a field for an image; functions get the path of its file.

    gradio would read and convert the file first. We do so later, in full depth, and say what is
    wrong with it.
    """
    field = gr.Image(value, type="filepath", sources=["upload", "clipboard"], **how)
    field.preprocess = lambda sent: sent and sent.path
    return field


def start_and_stop(gr, label):
    "Build the start and stop buttons."
    with gr.Row():
        return gr.Button(label, variant="primary"), gr.Button("Stop", variant="stop")


def stop_jobs(gr, queue, kind):
    "Make a function that stops a visitor's jobs of a kind."

    def stop(request: gr.Request):
        for job in queue.open(kind, request.session_hash):
            job.stop.set()

    return stop


def style_strip(gr, pictures=None, **how):
    "Build a row of styles to choose from."
    return gr.Gallery(
        pictures, object_fit="cover", show_label=False, height=150, allow_preview=False,
        interactive=False, buttons=[], elem_classes="styles", **how,
    )  # fmt: skip


def hidden_file(gr, name):
    "A hidden button for a file that is generated on demand; see `fetch`."
    return gr.DownloadButton(elem_id=name, elem_classes="unseen")


def fetch(made, file):
    "Let the browser download the file of a hidden button once the event `made` has filled it."
    script = f"() => document.querySelector('#{file.elem_id}').click()"
    made.success(None, js=script, api_name=False)
