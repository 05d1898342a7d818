"""Pieces of work that tests of the cohort engine put in its queue."""

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def draw(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """A mean of draws as JSON, a matrix product of draws as an array."""
    a = rng.normal(size=(inputs["n"], inputs["n"]))
    return {"mean": float(a.mean()), "label": f"patient {inputs['patient']}", "square": a @ a.T}


def nap(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Sleeps, and says in a file that it was begun and that it ended."""
    with Path(inputs["log"]).open("a") as log:
        log.write(f"begun {inputs['i']} {os.getpid()}\n")
    time.sleep(inputs["seconds"])
    with Path(inputs["log"]).open("a") as log:
        log.write(f"ended {inputs['i']} {os.getpid()}\n")
    return {"i": inputs["i"], "x": float(rng.normal())}


def fall(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Raises for odd numbers."""
    try:
        return {"y": 1 / (1 - inputs["i"] % 2)}
    except ZeroDivisionError as error:
        raise ValueError(f"no dose for patient {inputs['i']}") from error


def die(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Kills its own process when it is the fatal one."""
    if inputs["i"] == inputs["fatal"]:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"i": inputs["i"], "x": float(rng.normal())}


def give(inputs: Mapping[str, Any], rng: np.random.Generator) -> Any:
    """Something that is no result."""
    return {"nothing": None, "list": [1], "nan": {"x": float("nan")}, "object": {"x": {1, 2}}, "array": {"x": np.array([np.inf])}}[
        inputs["what"]
    ]


def whim(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Chance that does not come from the generator."""
    return {"x": time.time_ns()}


def threads(inputs: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """How many threads BLAS and numba would use."""
    import numba
    from threadpoolctl import threadpool_info

    return {"numba": numba.get_num_threads(), "others": [pool["num_threads"] for pool in threadpool_info()]}
