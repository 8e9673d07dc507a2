"""Who may ask the server, and what its pages may do."""

import pytest

from web.pages import TOKEN, client


@pytest.mark.parametrize(
    ("asking", "code"),
    [
        ({"host": "evil.example"}, "host"),
        ({"host": "127.0.0.1.evil.example"}, "host"),
        ({"host": ""}, "host"),
        ({"origin": "http://evil.example"}, "origin"),
        ({"origin": "null"}, "origin"),
        ({"origin": "http://127.0.0.1:9"}, "origin"),
        ({"authorization": "Bearer wrong"}, "token"),
        ({"authorization": "Basic word"}, "token"),
        ({"authorization": ""}, "token"),
    ],
)
def test_strangers_are_refused_with_a_line_in_the_log(page, caplog, asking, code):
    answer = page.get("/api/model", headers=asking)
    assert (answer.status_code, answer.json()["code"]) == (403, code)
    assert "refused http /api/model" in caplog.text


def test_the_token_may_stand_in_the_address(held):
    page = client(held, token="")
    assert page.get("/api/model").status_code == 403
    assert page.get(f"/api/model?token={TOKEN}").status_code == 200
    assert page.get(f"/?token={TOKEN}").status_code == 200


def test_a_page_without_its_token_says_so(held):
    answer = client(held, token="").get("/")
    assert answer.status_code == 403
    assert "token is missing or wrong" in answer.text


def test_own_names_and_origins_are_let_in(page):
    for host in ("127.0.0.1:7860", "localhost", "[::1]:1"):
        said = {"host": host, "origin": f"http://{host}"}
        assert page.get("/api/model", headers=said).status_code == 200


def test_an_open_server_answers_by_address_but_not_by_a_foreign_name(held):
    page = client(held, anywhere=True, hosts=["lab.example"])
    assert page.get("/api/model", headers={"host": "192.168.1.5:80"}).status_code == 200
    assert page.get("/api/model", headers={"host": "lab.example"}).status_code == 200
    assert page.get("/api/model", headers={"host": "evil.example"}).status_code == 403
    assert client(held).get("/api/model", headers={"host": "192.168.1.5"}).status_code == 403


def test_pages_may_load_nothing_from_elsewhere(page):
    said = page.get("/api/model").headers
    policy = said["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws://127.0.0.1 " in policy
    assert "script-src 'self' 'wasm-unsafe-eval'" in policy
    assert "unsafe-inline" not in policy.partition("style-src")[0]
    assert said["cross-origin-opener-policy"] == "same-origin"
    assert said["cross-origin-embedder-policy"] == "require-corp"
    assert said["x-content-type-options"] == "nosniff"


def test_a_host_with_words_of_a_policy_in_it_gets_none_of_them(page):
    said = page.get("/api/model", headers={"host": "127.0.0.1;script-src *:80"})
    assert said.status_code == 403
    assert "*" not in said.headers["content-security-policy"]
