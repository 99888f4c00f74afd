"""Fixtures: one deployment a session, and a chain that every test finds as it was."""
import pytest
from harness import World


@pytest.fixture(scope="session")
def deployment():
    return World()


@pytest.fixture
def world(deployment):
    """All contracts that exist, fresh; see harness.World."""
    before = deployment.snapshot()
    yield deployment
    deployment.revert(before)
