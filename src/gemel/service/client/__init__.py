"""The service from Python: the same answers that the page has, under the same authorisation."""

from gemel.service.client.client import Client
from gemel.service.client.job import Job

__all__ = ["Client", "Job"]
