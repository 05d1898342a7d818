"""The loop as a user runs it: one short file a verb."""

from gemel.core.late import late

__all__ = late(__name__)
