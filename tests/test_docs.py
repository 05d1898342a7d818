"""The pages say what is there: links lead somewhere, command lines are those of the program, the Python shown compiles."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from gemel.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
ALL = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def commands(text: str) -> list[str]:
    """Command lines of a page, without the comment behind them; also those of another user by their whole path."""
    found = re.findall(r"^(?: {4}(?:sudo -u gemel )?|ExecStart=)(?:/opt/gemel/bin/)?(gemel .*)$", text, re.MULTILINE)
    return sorted({line.split("#")[0].strip() for line in found})


COMMANDS = commands(README)
NAMED = re.compile(r"`(gemel [^`\n]*--[^`\n]*)`")
INLINE = sorted(set(NAMED.findall(README)))


def links(text: str) -> list[str]:
    """Targets of Markdown links and images that are files: no address, no anchor within the page."""
    targets = (target.split("#")[0].strip("<>") for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", text))
    return [target for target in targets if target and "://" not in target and not target.startswith("mailto:")]


def parsed(line: str) -> tuple[TyperCommand, list[str]]:
    """The command that a line names, and what is left for it. Fails for a command that does not exist."""
    command: TyperCommand | TyperGroup = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while isinstance(command, TyperGroup):
        assert words, f"{line!r} names no command"
        names = command.list_commands(typer.Context(command))
        assert words[0] in names, f"{line!r}: no command {words[0]!r}; there are {', '.join(names)}"
        found = command.get_command(typer.Context(command), words.pop(0))
        assert isinstance(found, TyperCommand | TyperGroup)
        command = found
    return command, words


def options(command: TyperCommand) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}


def require_sound(line: str) -> None:
    """Fails unless every option is known and every required argument and option is given."""
    command, words = parsed(line)
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    assert given <= options(command), f"{line!r}: no option {sorted(given - options(command))}; there are {sorted(options(command))}"
    needed = {p.opts[0] for p in command.params if p.required and isinstance(p, TyperOption)}
    assert needed <= given, f"{line!r} lacks {sorted(needed - given)}"
    flags = {name for p in command.params if isinstance(p, TyperOption) and p.is_flag for name in p.opts}
    values = sum(word.startswith("--") and "=" not in word and word not in flags for word in words)
    bare = sum(not word.startswith("--") for word in words) - values
    places = [p for p in command.params if isinstance(p, TyperArgument)]
    least = sum(p.required for p in places)
    assert least <= bare <= len(places), f"{line!r} has {bare} arguments; {command.name} takes {least} to {len(places)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dead = [target for target in links(text) if not (page.parent / target).exists()]
    assert not dead, f"{page.relative_to(ROOT)} links to {dead}, which do not exist"


@pytest.mark.parametrize("line", commands(ALL))
def test_command_lines_of_the_pages_are_those_of_the_program(line: str) -> None:
    require_sound(line)


@pytest.mark.parametrize("line", INLINE)
def test_command_lines_within_sentences_too(line: str) -> None:
    require_sound(line.rstrip("."))


@pytest.mark.parametrize("line", sorted(set(NAMED.findall(ALL)) - set(INLINE)))
def test_commands_that_a_page_mentions_have_the_options_that_it_names(line: str) -> None:
    command, words = parsed(line)
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= options(command)


def test_the_readme_shows_every_step_of_the_loop() -> None:
    shown = {parsed(line)[0].name for line in COMMANDS}
    assert {"new", "prepare", "observe", "decide", "act", "show", "report", "models"} <= shown


@pytest.mark.parametrize("block", re.findall(r"```python\n(.*?)```", README, re.DOTALL), ids=lambda block: "python")
def test_python_of_the_readme_compiles_and_its_names_exist(block: str) -> None:
    compile(block, "README.md", "exec")
    from gemel import flow, store

    for module, name in re.findall(r"\b(flow|store)\.(\w+)\(", block):
        assert hasattr({"flow": flow, "store": store}[module], name), f"gemel.{module} has no {name}"


def test_every_folder_of_the_map_exists_and_every_folder_is_on_it() -> None:
    named = {name.rstrip("/") for name in re.findall(r"^\| `([\w./]+)` \|", README, re.MULTILINE)}
    assert all((ROOT / name).exists() for name in named), sorted(name for name in named if not (ROOT / name).exists())
    folders = {f"src/gemel/{p.name}" for p in (ROOT / "src" / "gemel").iterdir() if (p / "__init__.py").is_file()}
    assert folders <= named, f"not in the README's map: {sorted(folders - named)}"


def test_pages_name_no_path_of_one_machine() -> None:
    local = re.compile(r"(?:/home/|/work/|/tmp/(?!pwned)|/Users/)\S*")  # pwned: what an attack would have made
    found = [f"{page.relative_to(ROOT)}: {place}" for page in PAGES for place in local.findall(page.read_text(encoding="utf-8"))]
    assert not found, found


def test_a_wrong_option_a_missing_one_and_an_unknown_command_are_found() -> None:
    for line in ("gemel twin decide ID --fast", "gemel twin act ID", "gemel twin decide", "gemel twin cure ID"):
        with pytest.raises(AssertionError, match="gemel twin"):
            require_sound(line)


def test_a_dead_link_is_found() -> None:
    assert links("[a](docs/no.md#x) ![b](b.png) [c](https://example.org) [d](#here)") == ["docs/no.md", "b.png"]
