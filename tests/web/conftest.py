"""A small network behind the server's application, asked in process."""

import pytest

from web.pages import client, served


@pytest.fixture(scope="module")
def held():
    return served()


@pytest.fixture(scope="module")
def page(held):
    return client(held)
