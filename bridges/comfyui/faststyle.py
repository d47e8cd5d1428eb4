"faststyle in ComfyUI: a node that paints images in a style. It belongs in ComfyUI/custom_nodes."

from functools import lru_cache

import torch

from faststyle_fastai.all import BUILTIN_STYLES, Stylizer

stylizer = lru_cache(maxsize=1)(Stylizer)


class Faststyle:
    CATEGORY, FUNCTION = "image/filters", "paint"
    RETURN_TYPES = ("IMAGE",)
    DESCRIPTION = "Paints images in a style, or at sight like any painting."

    @classmethod
    def INPUT_TYPES(cls):
        share = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05}
        needed = {"image": ("IMAGE",), "style": ([*BUILTIN_STYLES],), "strength": ("FLOAT", share)}
        file = {"default": "", "tooltip": "A trained style's file, instead of a built-in style."}
        return {"required": needed, "optional": {"painting": ("IMAGE",), "file": ("STRING", file)}}

    @classmethod
    def IS_CHANGED(cls, file="", **_):
        return float("nan") if file.strip() else ""  # it may have been trained again

    def paint(
        self,
        image,  # [B, H, W, 3] in [0, 1]
        style,
        strength,
        painting=None,  # [B, H, W, 3]: works of a style, instead of `style`
        file="",
    ):
        if painting is not None:
            paint = Stylizer({"painting": [*painting.movedim(-1, 1)]})
        else:
            file = file.strip().strip('"')  # as Windows copies a path
            paint = Stylizer(file, trust_pickle=False) if file else stylizer(style)
        photos = image.movedim(-1, 1).split(1)
        painted = [paint(photo, strength=strength, tensor=True) for photo in photos]
        return (torch.cat(painted).movedim(1, -1),)


NODE_CLASS_MAPPINGS = {"Faststyle": Faststyle}
NODE_DISPLAY_NAME_MAPPINGS = {"Faststyle": "Paint in a style"}
