"""The JSON API: what may be read of twins, what may be asked of them, and what happens as it happens."""

from gemel.core.late import late

__all__ = late(__name__)
