"""The DICOM node: what it receives (`front`, `scp`), what it asks of others, and what follows from an arrival."""

from gemel.service.node.front import Node, start

__all__ = ["Node", "start"]
