"faststyle in Krita: Tools > Scripts > Paint in a style paints a layer, as a new layer above it."

from functools import partial
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from krita import Extension, InfoObject, Krita

try:
    from PyQt6.QtCore import QProcess, QProcessEnvironment
    from PyQt6.QtGui import QImage
    from PyQt6.QtWidgets import QFileDialog, QInputDialog, QMessageBox
except ImportError:  # Krita 5
    from PyQt5.QtCore import QProcess, QProcessEnvironment
    from PyQt5.QtGui import QImage
    from PyQt5.QtWidgets import QFileDialog, QInputDialog, QMessageBox

STYLES = """starry_night edtaonisl composition_vii mondrian contrast_of_forms the_scream night_cafe
    udnie tahiti woman_with_hat wheat_field great_wave olive_trees wreck_minotaur""".split()
TITLE, OTHER = "Paint in a style", "A painting or a style's file…"
APP = Krita.instance()


class Faststyle(Extension):
    def setup(self):
        pass

    def createActions(self, window):
        window.createAction("faststyle", TITLE, "tools/scripts").triggered.connect(self.paint)

    def paint(self):
        "Start faststyle for the active layer; Krita stays usable."
        document = APP.activeDocument()
        if document is None or not (command := find_command()):
            return
        style, ok = QInputDialog.getItem(None, TITLE, "Style:", [*STYLES, OTHER], 0, False)
        if ok and style == OTHER:
            style, ok = QFileDialog.getOpenFileName(None, TITLE)
        if not ok:
            return
        layer, folder = document.activeNode(), TemporaryDirectory()
        area = layer.bounds().intersected(document.bounds())
        photo, out = f"{folder.name}/photo.png", f"{folder.name}/painted.png"
        if area.isEmpty():
            return QMessageBox.warning(None, TITLE, "This layer has no pixels to paint.")
        asked, png = APP.batchmode(), InfoObject()
        png.setProperties({"alpha": True, "compression": 1, "forceSRGB": True})
        APP.setBatchmode(True)  # saves without a dialog
        layer.save(photo, 1.0, 1.0, png, area)
        APP.setBatchmode(asked)
        process, own = QProcess(self), QProcessEnvironment.systemEnvironment()
        for name in own.keys():
            if name.startswith(("PYTHON", "LD_")):  # which Krita sets for its own Python
                own.remove(name)
        process.setProcessEnvironment(own)
        process.finished.connect(partial(finish, process, document, layer, area, folder, style))
        process.start(command, ["stylize", photo, "--style", style, "-o", out, "--quiet"])


def find_command():
    "The path of faststyle, asked for if it is not found; None if it still is not."
    command = APP.readSetting("faststyle", "command", "faststyle")
    if not which(command):
        ask = f"{command} was not found. Install faststyle, or give the path of its command:"
        command, _ = QInputDialog.getText(None, TITLE, ask)
        APP.writeSetting("faststyle", "command", command or "faststyle")
    return which(command)


def finish(process, document, layer, area, folder, style, *_):
    "Add what was painted as a layer, or tell what is wrong."
    process.deleteLater()
    with folder:  # which is deleted then
        image = QImage(f"{folder.name}/painted.png").convertToFormat(QImage.Format.Format_ARGB32)
    if document not in APP.documents():  # closed in the meantime
        return
    if image.isNull():
        said = bytes(process.readAllStandardError()).decode(errors="replace").strip()
        return QMessageBox.warning(None, TITLE, said.rpartition("\n")[2] or "It was stopped.")
    pixels = image.constBits().asstring(image.sizeInBytes())  # in the order of Krita's
    painted = document.createNode(f"{layer.name()}: {Path(style).stem}", "paintlayer")
    painted.setColorSpace("RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc")
    painted.setPixelData(pixels, area.x(), area.y(), image.width(), image.height())
    layer.parentNode().addChildNode(painted, layer)
    document.refreshProjection()


APP.addExtension(Faststyle(APP))
