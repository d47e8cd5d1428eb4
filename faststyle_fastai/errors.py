"The one error a person should ever see: what was given, what is wrong, what to do."

__all__ = ["FaststyleError", "NonFiniteLoss"]


class FaststyleError(RuntimeError):
    "Something outside the program is not as it must be; the text says what to do."

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message  # fastai rewrites `args` of what a callback raises

    def __str__(self):
        return self.message


class NonFiniteLoss(FaststyleError):
    "The loss became NaN or infinite; the network has its last good weights again."
