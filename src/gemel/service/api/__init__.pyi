from gemel.service.api.routes import router

__all__ = ["router"]
