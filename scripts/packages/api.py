"""Record the public API of each package: what is in the `__all__` of its modules, with types.

python -m scripts.packages.api writes tests/api/PACKAGE.txt, a line for each name.
"""

from collections.abc import Iterator
from pathlib import Path

import griffe

from scripts import ROOT
from scripts.packages.package import Package, read_packages

RECORDS = ROOT / "tests" / "api"
IMPORT_NAME = "asyncworker"
ENUMS = {"Enum", "IntEnum", "StrEnum"}
IMPLICIT = {"__eq__", "__hash__", "__post_init__", "__repr__", "__slots__", "__test__"}
"""Special names that nobody uses by name, and that promise nothing of their own."""
OTHERS = {"__version__", "config"}
"""Names whose values are told elsewhere, or are of a library."""


class Untyped(Exception):
    """Report a public name without a type."""


def record(package: Package) -> str:
    """Return the record of a package.

    Raises: Untyped
    """
    modules = sorted(_public_modules(package), key=lambda module: module.path)
    public = {_target(module, name).path for module in modules for name in _names(module)}
    return "\n\n".join(_section(module, public) for module in modules) + "\n"


def path_of(package: Package) -> Path:
    """Return the file of a package's record."""
    return RECORDS / f"{package.name}.txt"


def _public_modules(package: Package) -> Iterator[griffe.Module]:
    source = package.folder / "src"
    # Only core has the file that makes the import name; griffe looks for the others below it.
    roots = [file.parent for file in (source / IMPORT_NAME).glob("__init__.py")] or [
        file.parent for file in (source / IMPORT_NAME).glob("*/__init__.py")
    ]
    for root in roots:
        name = ".".join(root.relative_to(source).parts)
        loader = griffe.GriffeLoader(search_paths=[source], allow_inspection=False)
        module = loader.load(name)
        loader.resolve_aliases()
        assert isinstance(module, griffe.Module)
        yield from (one for one in _walk(module) if one.exports is not None)


def _walk(module: griffe.Module) -> Iterator[griffe.Module]:
    yield module
    for inner in module.modules.values():
        if not inner.is_alias:
            yield from _walk(inner)


def _section(module: griffe.Module, public: set[str]) -> str:
    names = sorted(_names(module) - OTHERS)
    lines = [line for name in names for line in _export(module, name, public)]
    return "\n".join([f"# {module.path}", *lines])


def _names(module: griffe.Module) -> set[str]:
    return {str(name) for name in module.exports or ()}


def _target(module: griffe.Module, name: str) -> griffe.Object:
    found = module.members[name]
    return found.final_target if isinstance(found, griffe.Alias) else found


def _export(module: griffe.Module, name: str, public: set[str]) -> Iterator[str]:
    """Yield the lines of one name of a module's `__all__`."""
    target = _target(module, name)
    path = f"{module.path}.{name}"
    home = target.module
    if home is not module and name in _names(home):
        yield f"{path} is {target.path}"
    elif isinstance(target, griffe.Class):
        yield f"{_decorators(target)}class {path}{_bases(target)}"
        for member in _members(target, public):
            yield from _lines(member, f"{path}.{member.name}")
    else:
        yield from _lines(target, path)


def _members(found: griffe.Class, public: set[str]) -> list[griffe.Object]:
    """Return its public members, and those of its bases that have no name of their own."""
    members: dict[str, griffe.Object] = {}
    for base in [found, *(one for one in found.mro() if one.path not in public)]:
        for name, member in base.members.items():
            if _is_public(name) and not isinstance(member, griffe.Alias):
                members.setdefault(name, member)
    return [members[name] for name in sorted(members)]


def _is_public(name: str) -> bool:
    is_special = name.startswith("__") and name.endswith("__")
    return name not in IMPLICIT if is_special else not (name.startswith("_") or name in OTHERS)


def _lines(found: griffe.Object, path: str) -> Iterator[str]:
    if isinstance(found, griffe.Function):
        for function in found.overloads or [found]:
            is_async = "async " if "async" in function.labels else ""
            yield f"{_decorators(function)}{is_async}def {function.signature(name=path)}"
    elif isinstance(found, griffe.Attribute):
        yield f"{path}{_type(found)}{_value(found)}"
    elif isinstance(found, griffe.Class):
        yield f"class {path}{_bases(found)}"


def _type(found: griffe.Attribute) -> str:
    if found.annotation is not None:
        is_read_only = "property" in found.labels and found.setter is None
        return f": {found.annotation}" + (", read only" if is_read_only else "")
    owner = found.parent
    if isinstance(owner, griffe.Class) and ENUMS & {str(base) for base in owner.bases}:
        return ""
    raise Untyped(f"{found.path} is public and has no type: annotate it")


def _value(found: griffe.Attribute) -> str:
    is_of_instances = found.labels == {"instance-attribute"}
    return "" if found.value is None or is_of_instances else f" = {found.value}"


def _bases(found: griffe.Class) -> str:
    return f"({', '.join(map(str, found.bases))})" if found.bases else ""


def _decorators(found: griffe.Class | griffe.Function) -> str:
    return "".join(f"@{decorator.value} " for decorator in found.decorators)


def main() -> None:
    """Write the records."""
    RECORDS.mkdir(exist_ok=True)
    for package in read_packages().values():
        path_of(package).write_text(record(package))


if __name__ == "__main__":
    main()
