"""Another program that segments: it is run as a command, and what it writes is read as any segmented visit."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gemel.core.errors import InputError
from gemel.core.time import seconds
from gemel.core.visit import Segmented
from gemel.io.mri import read_visit

MOST_S = 3600.0


def segment_by_command(command: Sequence[str], images: Sequence[Path], out: Path, *, most_s: float = MOST_S) -> Segmented:
    """Run `command` with the images' paths and then `out` as its last arguments, without a shell; read `out` (and the JSON beside it).

    Raises InputError for a command that is missing, fails, takes longer than `most_s`, or writes nothing; what `read_visit` raises.
    """
    if out.exists():
        raise InputError("a result that is there already", where=str(out), remedy="name a new file")
    try:
        done = subprocess.run([*command, *map(str, images), str(out)], capture_output=True, text=True, timeout=most_s, check=False)
    except (FileNotFoundError, PermissionError) as error:
        raise InputError(
            f"a segmenter that cannot be run ({error.strerror})", where=command[0], remedy="install it, or name its path"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise InputError(f"no result after {most_s:g} s", where=command[0], remedy="give it more time, or a smaller image") from error
    if done.returncode != 0 or not out.exists():
        said = " ".join((done.stderr or done.stdout).split())[-200:]
        raise InputError(f"a segmenter that failed ({done.returncode}: {said})", where=command[0], remedy="run it by hand and mend it")
    found = read_visit(out)
    return Segmented(found.structures, seconds(found.acquired), f"{out.name}#{found.digest[:16]}")
