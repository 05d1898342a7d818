"""The JSON API: what may be read of twins, what may be asked of them, and what happens as it happens."""

from gemel.service.api.routes import router

__all__ = ["router"]
