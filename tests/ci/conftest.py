"""The sample repository, made once and copied for each test."""

import pytest

from sample import Sample


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    return Sample(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def sample(prepared, tmp_path):
    return Sample(tmp_path, prepared)
