"gradio (the extra `web`), or the line that says how to install it."

import os

from ..core.extras import extra

__all__ = ["gr"]

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # gradio reads it on import
extra("gradio", "web")
import gradio as gr  # noqa: E402
