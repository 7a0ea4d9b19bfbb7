"""Which files of a package its modules need, read from the source without running it."""

import ast
from collections.abc import Container, Iterable, Iterator
from itertools import accumulate
from pathlib import Path


def import_closure(
    package: Path, roots: Iterable[str], *, without: Container[str] = ()
) -> list[Path]:
    """The files that some modules of a package need.

    These are the modules, all that they import from the package, directly or not, and the data
    files of the packages that any of these lie in.

    Follows imports wherever they stand, but for those `if TYPE_CHECKING`; and names that are taken
    from the package itself to where its `_HOMES` says that they are.

    package (Path): The package's folder.
    roots (Iterable[str]): Full names of the modules to begin with.
    without (Container[str]): Full names of modules that are left out, with what they import.
    RETURNS (List[Path]): The files, sorted.
    RAISES (ValueError): If a root, or what `_HOMES` names, is no module of the package.
    """
    modules = find_modules(package)
    homes = read_homes(package)
    found: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in modules:
            raise ValueError(
                f"{package} has no module {name}. If it was moved: install the package again, so "
                "that its entry points are the new ones, and mend what names it."
            )
        if name in found or name in without:
            continue
        found.add(name)
        for imported in (name, *imported_names(name, modules[name], package.name)):
            on_the_way = accumulate(imported.split("."), "{}.{}".format)
            waiting += [step for step in on_the_way if step in modules]
            waiting += [homes[imported]] if imported in homes else []
    sources = {modules[name] for name in found}
    return [path for path in package_files(package) if source_of(path) in sources]


def package_files(package: Path) -> list[Path]:
    """All files of a package, modules and data, sorted; without caches and hidden files."""
    hidden = (".", "__pycache__")
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file()
        and not any(part.startswith(hidden) for part in path.relative_to(package).parts)
    )


def find_modules(package: Path) -> dict[str, Path]:
    """The full name of each module of a package, and its file."""
    modules = {}
    for path in package_files(package):
        if path.suffix == ".py":
            parts = [package.name, *path.relative_to(package).with_suffix("").parts]
            modules[".".join(parts).removesuffix(".__init__")] = path
    return modules


def source_of(path: Path) -> Path:
    """The module that needs a file: itself, or the package that a data file lies in."""
    if path.suffix == ".py":
        return path
    inits = (folder / "__init__.py" for folder in path.parents)
    return next(init for init in inits if init.is_file())


def read_homes(package: Path) -> dict[str, str]:
    """Where the names that a package imports only when they are used come from.

    Its __init__ says so in a dict literal, with the full name of the module for each name:
    `_HOMES = {"convert": "package.data.convert", ...}`.

    package (Path): The package's folder.
    RETURNS (Dict[str, str]): Full name of the module by full name; empty if there is no `_HOMES`.
    """
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf8")).body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id="_HOMES")], value=ast.expr() as value)
                | ast.AnnAssign(target=ast.Name(id="_HOMES"), value=ast.expr() as value)
            ):
                homes = ast.literal_eval(value)
                return {f"{package.name}.{name}": module for name, module in homes.items()}
    return {}


def imported_names(module: str, path: Path, package: str) -> Iterator[str]:
    """The full names of all that a module imports, or takes from its package by `package.name`.

    module (str): Full name of the module.
    path (Path): Its file.
    package (str): Name of the package.
    YIELDS (str): Names of modules, or of what modules define.
    """
    parents = module.split(".")
    if path.name != "__init__.py":
        parents.pop()
    for node in nodes_that_run(ast.parse(path.read_text(encoding="utf8"))):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=base, names=aliases, level=level):
                inside = parents[: len(parents) + 1 - level] if level else []
                whole = ".".join([*inside, base] if base else inside)
                yield from (f"{whole}.{alias.name}" for alias in aliases)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name == package:
                yield f"{package}.{attribute}"


def nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes of a syntax tree, but for those that only type checkers see."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += ast.iter_child_nodes(node)
