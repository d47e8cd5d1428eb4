"Errors that say in one line what is wrong and what to do."

from .terminal import one_line

__all__ = [
    "FaststyleError", "NonFiniteLoss", "Stopped", "UsageError", "format_error", "out_of_memory",
]  # fmt: skip


class FaststyleError(RuntimeError):
    "A problem outside the program; the message says what to do."

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message  # fastai rewrites the `args` of exceptions raised in callbacks

    def __str__(self) -> str:
        return self.message


class Stopped(FaststyleError):
    "Work that was stopped by hand; the message says what is kept."

    status = 130  # of the command


class UsageError(ValueError):
    "A call that is wrong by itself, such as an unknown name, or options that exclude each other."

    status = 2  # of the command


class NonFiniteLoss(FaststyleError):
    "The loss became NaN or infinite; the network is back at its last good weights."


def format_error(error: Exception) -> str:
    "An error as one line of text."
    text = one_line(error)
    if out_of_memory(error):
        said = isinstance(error, MemoryError) and text
        return said or "Not enough memory. Close other programs, or use smaller images."
    if isinstance(error, (FaststyleError, ValueError, OSError)):
        return text
    return f"{type(error).__name__}: {text} (--debug shows the traceback)"


OUT_OF_MEMORY = (
    "DefaultCPUAllocator", "ALLOC_FAILED", "CUDA error: out of memory", "MPS backend out of memory",
    "Invalid buffer size",  # of MPS
)  # fmt: skip


def out_of_memory(error: Exception) -> bool:
    "Whether `error` means out of memory, for which some libraries have no error type."
    kind = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return kind or any(words in str(error) for words in OUT_OF_MEMORY)
