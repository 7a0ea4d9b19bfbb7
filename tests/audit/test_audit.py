"""The whole of an audit: command, files and Python."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spacy_ner_plus import TextRecord, audit_data, read
from spacy_ner_plus.audit import sections
from spacy_ner_plus.audit.audit_data import FINDINGS, PAGE, REVIEW
from spacy_ner_plus.audit.review_tasks import ReviewTask
from spacy_ner_plus.audit.section import Absent
from spacy_ner_plus.cli import app
from tests.audit.corpora import NASTY, write_parts

TRAIN = ["[Ann](PER) is in [Bonn](LOC).", f"No {NASTY} here.", "[Bonn](LOC) again."]
PARTS = {"train": TRAIN, "dev": ["[Bonn](ORG) plays.", "Nothing."], "test": ["[Ulm](LOC)."]}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no default encoder."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    return write_parts(tmp_path, PARTS)


def test_command_prints_and_writes_what_python_finds(paths: dict[str, Path]) -> None:
    result = CliRunner().invoke(app, ["audit", *map(str, paths.values()), "--output", "found"])
    assert result.exit_code == 0, result.output
    audit = audit_data(*paths.values())
    written = json.loads(Path("found", FINDINGS).read_text(encoding="utf8"))
    assert (written["schema"], written["schema_version"]) == ("spacy_ner_plus.audit", 1)
    assert written["parts"] == {name: str(path) for name, path in paths.items()}
    assert [one["text"] for one in written["warnings"]] == audit.warnings
    assert set(written["sections"]) | set(written["absent"]) == {s.key for s in sections.SECTIONS}
    assert Path("found", PAGE).read_text(encoding="utf8") == audit.page
    shown = " ".join(result.output.split())
    for warning in audit.warnings:
        assert " ".join(warning.split()) in shown
    for section in sections.SECTIONS:
        assert section.title in result.output


class _Page(HTMLParser):
    """What a page loads, runs and has as ids."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        its = dict(attrs)
        self.tags.append(tag)
        self.ids += [str(its["id"])] if "id" in its else []
        links = [str(its[key]) for key in ("src", "href") if key in its]
        self.loaded += [link for link in links if not link.startswith("#")]


def test_page_loads_nothing_and_obeys_no_text(paths: dict[str, Path]) -> None:
    page = audit_data(*paths.values()).page
    seen = _Page(page)
    assert seen.loaded == []
    assert seen.tags.count("script") == 1
    assert "b" not in seen.tags
    assert len(seen.ids) == len(set(seen.ids))
    assert {section.key for section in sections.SECTIONS} <= set(seen.ids)
    assert re.findall(r'href="#([\w-]+)"', page)
    assert set(re.findall(r'href="#([\w-]+)"', page)) <= set(seen.ids)


def test_sections_are_chosen_by_key(paths: dict[str, Path]) -> None:
    audit = audit_data(paths["train"], sections=["counts"])
    assert list(audit.findings.sections) == ["counts"]
    with pytest.raises(ValueError, match="no section 'count': --sections takes counts"):
        audit_data(paths["train"], sections=["count"])
    result = CliRunner().invoke(app, ["audit", str(paths["train"]), "--sections", "counts,no"])
    assert result.exit_code == 1
    assert "There is no section 'no'" in result.output


def test_section_can_be_absent_and_have_tasks(
    paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page of the one says why, and the tasks of the other are records of a file."""
    first, others = sections.SECTIONS[0], sections.SECTIONS[1:]
    task = ReviewTask("train", 0, "look", lambda its: replace(its, id="seen"))
    reason = Absent("it needs two parts", "give DEV")
    entries = (
        sections.Section("none", "None of it", lambda *_: reason, lambda _: None),
        sections.Section(first.key, first.title, first.find, first.show, lambda *_: [task]),
        *others,
    )
    for module in ("sections", "report.audit_page", "terminal.whole"):
        monkeypatch.setattr(f"spacy_ner_plus.audit.{module}.SECTIONS", entries)
    audit = audit_data(*paths.values())
    assert audit.findings.absent["none"] == "it needs two parts; give DEV"
    assert "Not looked at: it needs two parts; give DEV." in audit.page
    assert REVIEW in audit.page
    assert audit.write("found") == [FINDINGS, PAGE, REVIEW]
    seen = next(iter(read(Path("found", REVIEW))))  # those of other sections follow
    assert (seen.id, seen.meta["audit"][first.key]) == ("seen", "look")
    arguments = ["audit", *map(str, paths.values()), "--sections", "none", "--output", "found"]
    result = CliRunner().invoke(app, arguments)
    assert "None of it: it needs two parts; give DEV." in result.output
    assert not Path("found", REVIEW).exists()


def test_what_is_wrong_is_said_before_the_work(paths: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="--near must be over 0"):
        audit_data(paths["train"], near=0)
    with pytest.raises(ValueError, match="There is no file"):
        audit_data("nowhere.jsonl")
    write_parts(Path(), {"plain": [TextRecord("Not annotated.", spans=None)]})
    with pytest.raises(ValueError, match="None of the 1 texts in plain"):
        audit_data("plain.jsonl")
    Path("none.jsonl").write_text("", encoding="utf8")
    with pytest.raises(ValueError, match=r"There are no texts in none\.jsonl"):
        audit_data("none.jsonl")
    result = CliRunner().invoke(app, ["audit", "nowhere.jsonl", "--output", str(paths["train"])])
    assert result.exit_code == 1
    assert "is a file: --output takes a folder." in result.output


def test_options_of_the_format_are_given_on(tmp_path: Path) -> None:
    """`--group`, `--option` and `--lenient`, which is told of in the head."""
    rows = "Ann\tB-PER\nwent\tO \n\nBonn\tB-LOC\nis\tO\n"
    Path("rows.tsv").write_text(rows, encoding="utf8")
    with pytest.raises(ValueError, match="--lenient repairs it"):
        audit_data("rows.tsv")
    options = {"scheme": "BIO"}
    audit = audit_data("rows.tsv", group=2, lenient=True, options=options, format="columns")
    assert audit.findings.sections["counts"].parts["train"].texts == 1
    assert any("white space" in note for note in audit.findings.notes)
    arguments = ["--group", "2", "--lenient", "--option", "scheme=BIO", "--from", "columns"]
    result = CliRunner().invoke(app, ["audit", "rows.tsv", *arguments, "--sections", "counts"])
    assert result.exit_code == 0, result.output
    assert audit.findings.notes[0] in result.output
