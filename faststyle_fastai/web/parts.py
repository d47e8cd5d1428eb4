"What several tabs of the page share."

from .jobs import TrainingJob

__all__ = ["UPLOADED", "fetch", "hidden_file", "start_and_stop", "stop_job", "style_strip"]

UPLOADED = {"type": "filepath", "sources": ["upload", "clipboard"]}


def start_and_stop(gr, label):
    "Build the start and stop buttons."
    with gr.Row():
        return gr.Button(label, variant="primary"), gr.Button("Stop", variant="stop")


def stop_job(gr, queue, kind):
    "Make a function that stops a visitor's newest job, or the one that runs."

    def stop(request: gr.Request):
        jobs, own = queue.open(kind), queue.open(kind, request.session_hash)
        if jobs:
            (own or jobs)[-1 if own else 0].stop.set()
        if kind is TrainingJob:
            return queue.said() or "No training is running.", gr.Timer(active=bool(queue.open()))

    return stop


def style_strip(gr, pictures=None, **how):
    "Build a row of styles to choose from."
    return gr.Gallery(
        pictures, object_fit="cover", show_label=False, height=150, allow_preview=False,
        interactive=False, buttons=[], elem_classes="styles", **how,
    )  # fmt: skip


def hidden_file(gr, name):
    "A button that nobody sees, for a file that is made when it is asked for; see `fetch`."
    return gr.DownloadButton(elem_id=name, elem_classes="unseen")


def fetch(made, file):
    "Let the browser download the file of a hidden button once the event `made` has filled it."
    script = f"() => document.querySelector('#{file.elem_id}').click()"
    made.success(None, js=script, api_name=False)
