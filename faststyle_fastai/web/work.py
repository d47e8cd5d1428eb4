"What the page asks of its jobs."

from io import BytesIO

from ..core.errors import FaststyleError
from .answers import jpeg, picture_answer, responses
from .jobs import Queue
from .visits import Owners

__all__ = ["Work", "drawing"]

WIDTH = 3.6  # inches of a figure, so that its text can be read beside the settings


class Work:
    "The jobs of a page, by the ids that their beginnings answered."

    def __init__(self, queue: Queue, owners: Owners):
        self.queue, self.owners = queue, owners

    def jobs(self, visit, how, body):
        "All trainings, with pictures only for who began them, and the visitor's other jobs."
        jobs = self.queue.shown(visit.name)
        return [job | {"sees": job["sees"] * (job["mine"] or self.owners.shared)} for job in jobs]

    def picture(self, visit, how, body):
        "What a job shows so far."
        if (picture := self._own(visit, how).picture) is None:
            raise FaststyleError("There is no picture yet.")
        return jpeg(picture)

    def curve(self, visit, how, body):
        "The losses of a job."
        return drawing(self.queue.find(how.get("id")).curve())

    def result(self, visit, how, body):
        "The file that a job has made."
        job = self._own(visit, how)
        if job.out is None or not job.out.exists():
            raise FaststyleError("The file is no longer there: paint it again.")
        return responses.FileResponse(job.out)

    def end(self, visit, how, body):
        "Stop a job; what it has done is kept where that is possible."
        self.queue.end(self._own(visit, how))

    def _own(self, visit, how):
        "The job of an id, if it is the visitor's."
        job = self.queue.find(how.get("id"))
        self.owners.check(visit, None, job.visitor)
        return job


def drawing(figure):
    "A figure as an answer."
    data = BytesIO()
    figure.set_size_inches(WIDTH, 0.7 * WIDTH)
    figure.savefig(data, format="png", dpi=200, bbox_inches="tight")
    return picture_answer(data, "image/png")
