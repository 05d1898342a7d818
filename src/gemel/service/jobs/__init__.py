"""What takes longer than an answer may: durable jobs in child processes, with progress."""

from gemel.service.jobs.hand import Ask, Hand, ask, children, here, let_go
from gemel.service.jobs.job import Job
from gemel.service.jobs.order import Bench, Order, Place
from gemel.service.jobs.running import Jobs, open_jobs

__all__ = ["Ask", "Bench", "Hand", "Job", "Jobs", "Order", "Place", "ask", "children", "here", "let_go", "open_jobs"]
