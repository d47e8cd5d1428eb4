"The place of `TemporalConsistency` in the exported learners of version 0.1."

from .network_terms import TemporalConsistency  # noqa: F401
