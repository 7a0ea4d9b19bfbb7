"""`make test-fast` leaves out what is slow, and not much else."""

from pathlib import Path

import pytest

FILES = set(Path(__file__).parent.rglob("test_*.py"))


def test_at_least_three_quarters_of_all_tests_are_fast(request: pytest.FixtureRequest) -> None:
    items = request.session.items
    if missing := FILES - {item.path for item in items}:
        pytest.skip(f"needs the whole suite; {len(missing)} files are left out")
    functions = {item.nodeid.partition("[")[0] for item in items}
    slow = {item.nodeid.partition("[")[0] for item in items if item.get_closest_marker("slow")}
    assert len(slow) <= len(functions) / 4, f"{len(slow)} of {len(functions)} are slow"
