"""Many pieces of work as named tasks in a durable queue, done by any number of workers with the same results."""

from gemel.flow.cohort.arms import Arm
from gemel.flow.cohort.comparison import Paired, Summary
from gemel.flow.cohort.execute import execute
from gemel.flow.cohort.finished import Trial
from gemel.flow.cohort.task import Result, Task, whole
from gemel.flow.cohort.trial import DRAWS, run

__all__ = ["DRAWS", "Arm", "Paired", "Result", "Summary", "Task", "Trial", "execute", "run", "whole"]
