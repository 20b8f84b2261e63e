"""Settings that all tests share."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from autograd_lite import data

settings.register_profile(
    "steady",  # the same examples at every run: a failure is the change's, not the dice's
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("steady")
DOWNLOADING = "test_data.py"  # from servers of its own


@pytest.fixture(autouse=True, scope="module")
def nothing_is_downloaded(request: pytest.FixtureRequest) -> Iterator[None]:
    """What is neither in a folder nor in the cache is missing."""
    if request.path.name == DOWNLOADING:
        yield
    else:
        with data.offline():
            yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test whose data are not here is skipped, with what says how to get them."""
    try:
        yield
    except data.DataMissing as missing:
        if item.path.name == DOWNLOADING:
            raise
        pytest.skip(str(missing))
