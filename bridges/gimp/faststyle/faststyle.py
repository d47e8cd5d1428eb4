#!/usr/bin/env python3
"faststyle in GIMP 3: Filters > Artistic > Faststyle paints a layer, as a new layer above it."

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("GimpUi", "3.0")
from gi.repository import Gimp, GimpUi, Gio, GLib, GObject  # noqa: E402

STYLES = """starry_night edtaonisl composition_vii mondrian contrast_of_forms the_scream night_cafe
    udnie tahiti woman_with_hat wheat_field great_wave olive_trees wreck_minotaur""".split()
ALONE = Gimp.RunMode.NONINTERACTIVE


def add_painted(image, layer, command, style):
    "Paint a layer as a new one. Raises what `subprocess.run` does."
    one = Gimp.Image.new(layer.get_width(), layer.get_height(), Gimp.ImageBaseType.RGB)
    one.insert_layer(copy := Gimp.Layer.new_from_drawable(layer, one), None, 0)
    copy.set_offsets(0, 0)
    copy.set_opacity(100)
    copy.set_visible(True)
    with TemporaryDirectory() as folder:
        photo, out = f"{folder}/photo.png", f"{folder}/painted.png"
        Gimp.file_save(ALONE, one, Gio.File.new_for_path(photo), None)
        one.delete()
        call = [command, "stylize", photo, "--style", style, "-o", out, "--quiet"]
        ours = "PYTHON", "LD_"  # what GIMP sets for its own Python
        own = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        how = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        subprocess.run(call, check=True, env=own, creationflags=hidden, **how)
        painted = Gimp.file_load_layer(ALONE, image, Gio.File.new_for_path(out))
    painted.set_name(f"{layer.get_name()}: {Path(style).stem}")
    painted.set_offsets(*layer.get_offsets()[1:])
    image.insert_layer(painted, None, -1)
    Gimp.displays_flush()


def run(procedure, mode, image, layers, config, _):
    if mode == Gimp.RunMode.INTERACTIVE:
        GimpUi.init("faststyle")
        dialog = GimpUi.ProcedureDialog.new(procedure, config, "Paint in a style")
        dialog.fill(None)
        if not dialog.run():
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error())
        dialog.destroy()
    style, file, command = map(config.get_property, ("style", "file", "command"))
    Gimp.progress_init("Painting")
    try:
        add_painted(image, layers[0], command, file.get_path() if file else style)
    except OSError as error:
        why = f"{command}: {error.strerror}. Install faststyle, or give the path of its command."
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip().rpartition("\n")[2] or str(error)
    else:
        return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())
    return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(why))


class Faststyle(Gimp.PlugIn):
    def do_set_i18n(self, _):
        return False

    def do_query_procedures(self):
        return ["plug-in-faststyle"]

    def do_create_procedure(self, name):
        made = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, run, None)
        made.set_image_types("*")
        made.set_menu_label("_Faststyle…")
        made.add_menu_path("<Image>/Filters/Artistic")
        made.set_documentation("Paint the layer in a style", "As a new layer above it.", name)
        styles, both = Gimp.Choice.new(), GObject.ParamFlags.READWRITE
        for i, style in enumerate(STYLES):
            styles.add(style, i, style.replace("_", " ").capitalize(), "")
        made.add_choice_argument("style", "_Style", "A built-in one", styles, STYLES[0], both)
        file = "file", "Or a _file", "A painting or a trained style"
        made.add_file_argument(*file, Gimp.FileChooserAction.OPEN, True, None, both)
        made.add_string_argument("command", "Co_mmand", "faststyle, or its path", "faststyle", both)
        return made


Gimp.main(Faststyle.__gtype__, sys.argv)
