"The visitors' own styles on the page: taught, named, taken away and removed."

import shutil
import threading
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

from ..core.assets import sample_photos
from ..core.atomic import atomic_write
from ..core.errors import FaststyleError
from ..images.discovery import find_pictures
from ..images.files import read_picture
from ..images.remote import is_link
from ..inference.html import export_html, sample_photo
from ..inference.links import DAMAGED, style_link
from ..inference.studio import export_studio
from ..inference.stylizer import Stylizer
from .answers import SHOWN, jpeg, responses
from .entries import written
from .guard import JOB
from .jobs import TrainingJob
from .names import own_name, spoken
from .photos import LEAST, Photos
from .visits import Visit, Visitors, kept, size_of
from .window import CURVE, ENLARGED

__all__ = ["Mine"]

FEW, DRAWN = 100, 400  # with fewer than FEW photos, DRAWN are drawn per epoch
EXAMPLE = 600  # px of the short side of a photo in a style
MINUTES = 1, 30
PAGE, NETWORK = ".html", ".safetensors"


class Mine:
    "What the view of one's own styles does."

    def __init__(self, photos: Photos, visitors: Visitors):
        self.photos, self.site, self.visitors = photos, photos.site, visitors
        self.shelf, self.queue = self.site.shelf, self.site.queue
        self.making = threading.Lock()  # of files to download, one at a time
        # A Stylizer -> a style's name -> the sample in it
        self.samples: WeakKeyDictionary[Stylizer, dict[str, Any]] = WeakKeyDictionary()

    def mine(self, visit, how, body):
        "The styles that were added here."
        return self.photos.window.own(self.queue.busy())

    def work(self, visit, how, body):
        "The painting of a style; where none is known, its thumbnail."
        called = str(how.get("style"))
        file = self.shelf.painting_of(called) or self.shelf.thumbnail(self.site.scratch, called)
        picture = read_picture(file, shortest=SHOWN // 2)
        picture.thumbnail((SHOWN, SHOWN))
        return jpeg(picture)

    def example(self, visit: Visit, how, body):
        "The visitor's photo, or else the sample, in a style."
        paint, name = self.shelf.find(how.get("style"))
        photo = None if how.get("sample") else visit.small
        with self.photos.turn:
            if photo:
                return jpeg(paint(photo, name, size=max(LEAST, min(EXAMPLE, *photo.size))))
            samples = self.samples.setdefault(paint, {})
            if name not in samples:
                samples[name] = paint(sample_photo(ENLARGED), name, size=EXAMPLE)
            return jpeg(samples[name])

    def losses(self, visit, how, body):
        "The losses of a training that has ended, also before the page began."
        if not (file := self.shelf.path(str(how.get("style"))) / CURVE).is_file():
            raise FaststyleError("Its losses are not known.")
        return responses.FileResponse(file)

    def learn(self, visit, how, body):
        "Take a photo to learn on; the first one of a set forgets the others."
        if how.get("first") or visit.lessons is None:
            visit.lessons = self.site.place(visit)
        self.site.check_room(visit, size_of(body), visit.lessons)
        (folder := visit.lessons / uuid4().hex).mkdir()
        with kept(folder, how, body):
            pass

    def teach(self, visit, how, body):
        "Put a training on one of the paintings into the queue; the answer names the job."
        called, minutes = str(how.get("style")), how.get("minutes", 3)
        if not (painting := self.shelf.painting(called)):
            raise FaststyleError("Choose a painting that is not trained yet.")
        if type(minutes) not in (int, float) or not MINUTES[0] <= minutes <= MINUTES[1]:
            raise FaststyleError("Choose {} to {} minutes.".format(*MINUTES))
        picture = read_picture(painting)
        place = self.shelf.place(called)
        if place.name in self.queue.busy():
            raise FaststyleError(f"{spoken(place.name)} is being trained already.")
        self.queue.check_room(visit.name)
        self.site.owners.check_room(visit, painting.stat().st_size)
        self.site.owners.check(visit, place.name)
        folder, arguments = self._photos(visit, how.get("photos"))
        job = TrainingJob()
        if folder == visit.lessons:  # they are not removed while they are in use
            folder = job.uploads = folder.rename(folder.with_name(f"{JOB}{uuid4().hex}"))
            visit.lessons = None
        arguments |= {"minutes": minutes, **self.site.where}

        def work():
            from .teaching import teach

            self.shelf.place(place.name)  # another page may have been faster
            teach(job, folder, picture, place, **arguments)

        return {"id": self.queue.add(place.name, job, work, visit.name)}

    def _photos(self, visit, chosen):
        "A folder to train on and its arguments of `train`."
        folder = visit.lessons if chosen == "folder" else self.site.folders.get(str(chosen))
        if chosen == "folder" and (folder is None or not folder.exists()):
            raise FaststyleError("Choose a folder with photos.")
        if not folder:
            return sample_photos()
        return folder, {"images": DRAWN} if len(find_pictures(folder, FEW)[0]) < FEW else {}

    def resume(self, visit, how, body):
        "Put what is left of an interrupted training into the queue."
        name, place = self._idle(visit, how)
        job = TrainingJob()

        def work():
            from .teaching import resume

            resume(job, place, **self.site.where)

        return {"id": self.queue.add(name, job, work, visit.name)}

    def _idle(self, visit, how):
        "The name and place of an own style that is not being taught."
        name = str(how.get("style"))
        if name in self.queue.busy():
            raise FaststyleError(f"{spoken(name)} is being trained: stop it first.")
        self.site.owners.check(visit, name)
        if self.queue.uses(name):
            raise FaststyleError(
                f"{spoken(name)} is in use by a video or a refinement. Try again later."
            )
        return name, self.shelf.path(name)

    def discard(self, visit, how, body):
        "Delete what a training has learned; the painting stays, to be taught again."
        name, place = self._idle(visit, how)
        if not place.is_dir():
            raise FaststyleError("Choose a style that was trained here.")
        self.queue.check_room(visit.name)  # or the next training would be refused
        painting = place / f"{name}.png"
        if not (beside := place.with_name(painting.name)).exists():
            if not painting.exists():
                raise FaststyleError("Its painting is not known: it was trained elsewhere.")
            painting.rename(beside)
        shutil.rmtree(place)

    def rename(self, visit, how, body):
        name, _ = self._idle(visit, how)
        with self.shelf.changing:
            now = self.shelf.rename(name, str(how.get("name", "")))
        self.queue.rename(name, now)
        self.visitors.rename(name, now)
        self.site.owners.gone(name)
        self.site.owners.own(visit, now)
        return {"name": now}

    def remove(self, visit, how, body):
        name, _ = self._idle(visit, how)
        if how.get("untrained") and not self.shelf.painting(name):  # it was trained meanwhile
            raise FaststyleError(
                f"{spoken(name)} has been trained meanwhile. Delete it in My styles."
            )
        self.shelf.remove(name)
        self.site.owners.gone(name)
        self.visitors.rename(name, None)

    def packed(self, visit, how, body):
        "A style's file, or its web page."
        name, suffix = str(how.get("style")), how.get("suffix")
        source = self.shelf.network(name)
        key = sha1(f"{source} {written(source)}".encode()).hexdigest()
        make = export_html if suffix == PAGE else shutil.copyfile
        out = self.site.scratch / key / f"{name}{PAGE if suffix == PAGE else NETWORK}"
        return self._once(out, partial(make, source))

    def link(self, visit, how, body):
        "A style, or a mixture of two, as a link."
        paint, mix = self.photos.mixed(how, self.shelf.find)
        return {"link": style_link(paint, mix)}

    def linked(self, visit, how, body):
        "Add the style of a link, and name it; a built-in style is one already."
        if not is_link(link := str(how.get("link"))):  # nor a path or an address of this machine's
            raise FaststyleError(DAMAGED)
        paint = Stylizer(link, "cpu", trust_pickle=False)
        if (called := str(paint.named)) not in paint.paintings:  # which only built-in ones have
            file = paint.save(self.site.place(visit) / f"{own_name(called)}{NETWORK}")
            if known := self.shelf.known(file):
                return {"name": known}
            self.site.owners.check_room(visit, file.stat().st_size)
            with self.shelf.changing:
                called = self.shelf.add(file.rename(file.with_stem(self.shelf.free(file.stem))))
            self.site.owners.own(visit, called)
        return {"name": called}

    def studio_file(self, visit, how, body):
        "The studio."
        return self._once(self.site.scratch / "studio" / "studio.html", export_studio)

    def _once(self, out: Path, make):
        "A file, made if it is not there."
        with self.making:
            if not out.exists():
                with atomic_write(out) as temporary:
                    make(temporary)
        return responses.FileResponse(out, filename=out.name)
