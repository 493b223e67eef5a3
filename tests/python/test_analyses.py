"""The questions in analyses/ run on the marts and give rows."""

import re

import pytest

from evergreen.paths import PROJECT_DIR

ANALYSES = sorted((PROJECT_DIR / "analyses").glob("*.sql"))


@pytest.mark.parametrize("file", ANALYSES, ids=lambda file: file.stem)
def test_analysis_runs(file, published):
    sql = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"marts.\1", file.read_text())
    assert published.query(sql)
