"""Errors of importing user code, as messages for its author."""

from __future__ import annotations

import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from pkgutil import iter_modules
from types import TracebackType

from ffhost.config.diagnostics import nearest_known_word
from ffhost.errors import LoadError
from ffhost.loading.modules import innermost_user_frame, with_plain_module_names
from ffhost.loading.targets.places import TargetPlace, show_target_folder, show_target_path

_TEXT_LIMIT = 300
_EXTRAS = {"flask": "flask", "werkzeug": "flask", "starlette": "starlette", "opentelemetry": "otel"}
"""Packages that come with an extra of ours."""


def explain_failed_import(place: TargetPlace, error: BaseException) -> LoadError:
    """Return the error that says why the module of *place* could not be imported."""
    frame = innermost_user_frame(error.__traceback__)
    if isinstance(error, SyntaxError):
        if error.filename is None and frame is None and place.file is not None:
            error = SyntaxError(error.msg, (str(place.file), 1, 1, ""))  # null bytes
        if error.filename is not None and os.path.exists(error.filename):
            return explain_syntax_error(error, place.base)
    if isinstance(error, ModuleNotFoundError) and error.name:
        if frame is None and place.module is not None and _leads_to(error.name, place.module):
            return explain_missing_module(place, error.name)
        return _missing_import(place, error.name, frame)
    if isinstance(error, ImportError):
        text = with_plain_module_names(str(error))
        return LoadError(
            f"{place.shown} was found, but it {_lower(text)}"
            if text.startswith("cannot ")
            else f"{place.shown} was found, but an import in it failed: {text}",
            notes=_quoted(frame, place.base),
            line=_at(frame, place.base),
        )
    if isinstance(error, SystemExit):
        return LoadError(
            f"{place.shown} ends the process when it is imported (exit status {error.code!r})",
            "keep sys.exit below: if __name__ == '__main__'",
            _quoted(frame, place.base),
            line=_at(frame, place.base),
        )
    return _raised(place, error, frame)


def explain_missing_module(place: TargetPlace, missing: str) -> LoadError:
    """Return the error that the module of *place*, or its package *missing*, does not exist."""
    parent, _, child = missing.rpartition(".")
    folder = place.folder.joinpath(*parent.split(".")) if parent else place.folder
    near = nearest_known_word(child, [each.name for each in iter_modules([str(folder)])])
    fits = None if near is None else ".".join(filter(None, [parent, near]))
    if fits is not None and missing == place.module:
        fits = f"{fits}:{place.attribute}"
    installed = "" if parent and folder.is_dir() else " and among installed packages"
    source = ", its src" if (place.base / "src").is_dir() else ""
    looked = f"{show_target_folder(place.base)}{source}{installed}"
    return LoadError(
        f"no module named {place.module!r} (looked in {looked})",
        None if fits is None else f"did you mean {fits!r}?",
    )


def explain_syntax_error(error: SyntaxError, base: Path) -> LoadError:
    """Return the error that says where the source cannot be read as Python."""
    where = f"{show_target_path(error.filename or '?', base)}:{error.lineno}"
    text = (error.text or "").strip()
    return LoadError(
        f"{where}: syntax error: {error.msg}", notes=(text,) if text else (), line=where
    )


def _missing_import(place: TargetPlace, missing: str, frame: TracebackType | None) -> LoadError:
    line = _line(frame).strip()
    folder = None if frame is None else os.path.dirname(frame.tb_frame.f_code.co_filename)
    top = missing.partition(".")[0]
    spec = PathFinder.find_spec(top, [folder, *sys.path] if folder else None)
    relative = line.startswith("from .")
    reason = "which does not exist" if relative or spec is not None else "which is not installed"
    siblings = [each.name for each in iter_modules([folder])] if folder else []
    near = nearest_known_word(missing, siblings)
    hint = _installing(top, place, folder) if reason.endswith("installed") else None
    return LoadError(
        f"{place.shown} was found, but it imports {missing!r}, {reason}",
        hint if near is None else f"did you mean {near!r}?",
        _quoted(frame, place.base),
        line=_at(frame, place.base),
    )


def _installing(top: str, place: TargetPlace, folder: str | None) -> str:
    """Return what installs the missing package *top*: an extra of ours, or what lists it."""
    if top in _EXTRAS:
        return f"pip install 'ffhost[{_EXTRAS[top]}]'"
    for where in dict.fromkeys(filter(None, [folder, str(place.base)])):
        file = Path(where, "requirements.txt")
        if file.is_file():
            command = f"pip install -r {show_target_path(str(file), place.base)}"
            listed = _form(top) in map(_form, _listed(file))
            return command if listed else f"add it to {file.name}, then: {command}"
    return "install it, or add it to requirements.txt"


def _listed(file: Path) -> list[str]:
    """Return the names of the packages that a requirements file lists."""
    lines = file.read_text("utf-8-sig", errors="replace").splitlines()
    return [match.group() for line in lines if (match := re.match(r"[A-Za-z0-9._-]+", line))]


def _form(name: str) -> str:
    """Return a package's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _raised(place: TargetPlace, error: BaseException, frame: TracebackType | None) -> LoadError:
    text = with_plain_module_names(str(error)).partition("\n")[0][:_TEXT_LIMIT]
    hint = None
    if isinstance(error, KeyError) and "environ[" in _line(frame):
        hint = f"set the environment variable {error.args[0]}"
    return LoadError(
        f"{place.shown} raises {type(error).__name__} when it is imported"
        + (f": {text}" if text else ""),
        hint,
        _quoted(frame, place.base),
        line=_at(frame, place.base),
    )


def _leads_to(missing: str, module: str) -> bool:
    return f"{module}.".startswith(f"{missing}.")


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _line(frame: TracebackType | None) -> str:
    import linecache

    if frame is None:
        return ""
    return linecache.getline(frame.tb_frame.f_code.co_filename, frame.tb_lineno)


def _at(frame: TracebackType | None, base: Path) -> str | None:
    """Return the line of user code from which it came, as ``file:line``."""
    if frame is None:
        return None
    return f"{show_target_path(frame.tb_frame.f_code.co_filename, base)}:{frame.tb_lineno}"


def _quoted(frame: TracebackType | None, base: Path) -> tuple[str, ...]:
    """Return that line with its text, as a note."""
    at = _at(frame, base)
    return () if at is None else (f"{at}: {_line(frame).strip()}",)
