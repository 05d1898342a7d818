"""The workbench: the built page's files, and nothing else of this machine."""

from gemel.service.page.files import HOW, is_built
from gemel.service.page.routes import router

__all__ = ["HOW", "is_built", "router"]
