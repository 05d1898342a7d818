"""Motion between images: fields and their algebra, rigid, model-based and free-form registration."""
