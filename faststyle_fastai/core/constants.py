"Constants shared across the package."

__all__ = ["IMAGENET"]

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # mean, std of RGB in [0, 1]
