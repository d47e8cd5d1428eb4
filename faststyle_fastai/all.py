"What a notebook imports: `from faststyle_fastai.all import *`."

from fastai.torch_core import set_seed

from .bulk.cluster import paint_bulk
from .core.assets import ASSETS, sample_photos
from .core.errors import FaststyleError, NonFiniteLoss
from .images.color import soft_proof
from .images.discovery import picture_files
from .images.files import read_picture, to_picture
from .images.saving import save_picture
from .images.sheets import contact_sheet, side_by_side
from .images.tensors import read_tensor, to_tensor
from .inference.builtin import BUILTIN_STYLES, style_thumbnail
from .inference.first_sight import nearest_styles
from .inference.grid import each_style, style_grid, style_sheet
from .inference.html import export_html
from .inference.links import style_link
from .inference.onnx import export_onnx
from .inference.options import STROKES, PaintOptions
from .inference.seamless import seamless
from .inference.studio import export_studio
from .inference.stylizer import Stylizer
from .models.stylefile import import_style, load_style, save_style
from .models.transformer import ARCHS, TransformerNet, from_examples, to_examples
from .optimization.initializers import INITS
from .optimization.optimize import optimize_style, optimize_to_file
from .optimization.pixel_recipes import OPTIMIZATIONS, optimization_plan
from .optimization.pixels import OptimizationStep, PixelOptimizer
from .perceptual.backbones import BACKBONES, perceptual_backbone
from .perceptual.evaluate import evaluate_autoencoder, evaluate_style, reference_loss
from .perceptual.losses import VggLoss
from .perceptual.regularity import tone_error, total_variation
from .perceptual.style_losses import CONTENT_LOSSES, STYLE_LOSSES, gram_matrix
from .perceptual.term import Term
from .perceptual.terms import TERMS
from .strokes.drawing import draw_heights, draw_strokes, painting_frames, strokes_svg
from .strokes.paths import paint_strokes
from .training.augment import StyleAugment, StyleAugmentV2
from .training.callbacks import ProgressiveResize, SampleStyles, TimeBudget
from .training.checkpoint import Checkpoint
from .training.data import StyleDataLoaders
from .training.demo import demo
from .training.guards import StopOnNonFinite
from .training.keyframes import Keyframes
from .training.learner import autoencoder_learner, style_learner
from .training.network_terms import DropletPenalty, TemporalConsistency
from .training.optimizers import OPTIMIZERS, Muon
from .training.precision import Precision
from .training.pretraining import pretrain
from .training.progress import History, LossParts, Preview
from .training.recipes import RECIPES, Recipe, Training, recipe_plan
from .training.runs import add_style, train
from .video.reader import open_video
from .video.stylize import paint_video
from .web.client import RemoteStylizer
