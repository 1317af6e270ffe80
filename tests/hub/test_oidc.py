"""Login by an identity provider, against a small one that also misbehaves."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from cli.access import must_have_a_login, read_oidc
from config import ConfigError, Secret
from facts import Role
from hub import oidc as module
from hub.access import Access
from hub.oidc import OidcSettings
from tests.databases import a_migrated_store
from tests.hub.conftest import PASSWORD, Bench, a_bench, csrf_of

BASE = "http://127.0.0.1:8600"
CALLBACK = f"{BASE}/login/oidc/callback"
KEY, STRANGER = (RSAKey.generate_key(2048, {"kid": kid}) for kid in ("first", "stranger"))
ROLES = {"shop-admins": Role.ADMIN, "shop": Role.VIEWER}


@dataclass
class Provider:
    """An identity provider. `twist` changes the claims of the next id token, `sign` how it is signed."""

    url: str = ""
    now: Callable[[], float] = lambda: 0.0
    key: RSAKey = field(default_factory=lambda: KEY)
    challenges: dict[str, dict[str, str]] = field(default_factory=dict)
    twist: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], object] | None = None
    discovery: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    token_status: int = 200
    hangs: threading.Event | None = None
    asked: list[str] = field(default_factory=list)

    def configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "userinfo_endpoint": f"{self.url}/me",
            "id_token_signing_alg_values_supported": ["RS256"],
            **self.discovery,
        }

    def agree(self, address: str) -> dict[str, str]:
        """Let a person log in at the address to which the hub led; the query with which they are led back."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
        assert query["redirect_uri"] == CALLBACK
        assert query["code_challenge_method"] == "S256"
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = query
        return {"code": code, "state": query["state"]}

    def token(self, form: dict[str, str]) -> dict[str, Any]:
        begun = self.challenges.pop(form["code"])
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        )
        assert challenge == begun["code_challenge"]
        assert form["client_secret"] == "the client's secret"
        now = int(self.now())
        claims = {
            "iss": self.url, "aud": "sixfb", "sub": "u1", "nonce": begun["nonce"], "iat": now, "exp": now + 300,
            "preferred_username": "ann", "groups": ["shop"], **self.twist,
        }  # fmt: skip
        claims = {key: value for key, value in claims.items() if value is not None}
        signed = self.sign(claims) if self.sign else jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)
        return {"access_token": "an access token", "token_type": "Bearer", "id_token": signed}


def a_handler(provider: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({key: values[0] for key, values in parse_qs(body).items()})

        def _answer(self, form: dict[str, str]) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            if provider.hangs is not None:
                provider.hangs.wait(60)
                return
            status, told = 200, {}
            if path == "/.well-known/openid-configuration":
                told = provider.configuration()
            elif path == "/keys":
                told = {"keys": [provider.key.as_dict(private=False), OctKey.generate_key(256).as_dict()]}
            elif path == "/me":
                assert self.headers["Authorization"] == "Bearer an access token"
                told = {"sub": "u1", **provider.info}
            elif path == "/token":
                status = provider.token_status
                told = provider.token(form) if status == 200 else {"error": "invalid_grant"}
            content = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    return Handler


@dataclass
class Stage:
    """A hub and its identity provider."""

    bench: Bench
    provider: Provider

    def begin(self, after: str = "/") -> str:
        """Follow the link of the login page; the provider's address to which it leads."""
        answer = self.bench.client.get(f"/login/oidc?{urlencode({'next': after})}")
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    def come_back(self, query: dict[str, str]) -> httpx.Response:
        answer: httpx.Response = self.bench.client.get(f"/login/oidc/callback?{urlencode(query)}")
        return answer

    def log_in(self, after: str = "/") -> httpx.Response:
        return self.come_back(self.provider.agree(self.begin(after)))

    def refused(self, status: int, says: str, answer: httpx.Response | None = None) -> None:
        answer = answer or self.log_in()
        assert answer.status_code == status, answer.text
        assert says in answer.text
        assert "sixfb_session" not in answer.headers.get("Set-Cookie", "")
        assert self.bench.client.get("/api/runs").status_code == 401


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("oidc")
    provider = Provider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), a_handler(provider))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    provider.url = f"http://127.0.0.1:{server.server_address[1]}"
    settings = OidcSettings(
        issuer=provider.url,
        client_id="sixfb",
        client_secret=Secret("the client's secret"),
        redirect=CALLBACK,
        roles=ROLES,
    )
    with a_migrated_store(None, folder / "hub") as store, a_bench(store, folder, access=Access(oidc=settings)) as bench:
        provider.now = lambda: bench.now.timestamp()
        yield Stage(bench, provider)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def stage(running: Stage) -> Stage:
    """The same, with a provider that behaves, nobody logged in, and nothing remembered of the provider."""
    usual = Provider()
    for name in ("twist", "sign", "discovery", "info", "token_status", "hangs", "key", "asked", "challenges"):
        setattr(running.provider, name, getattr(usual, name))
    running.bench.client.cookies.clear()
    assert running.bench.context.guard.oidc is not None
    running.bench.context.guard.oidc._known = running.bench.context.guard.oidc._keys = None
    return running


def test_a_person_logs_in_by_the_provider_and_out_again(stage: Stage) -> None:
    client = stage.bench.client
    assert client.get("/runs/x").status_code == 303, "a provider alone makes people log in"
    page = client.get("/login?next=/sla").text
    assert 'href="/login/oidc?next=%2Fsla"' in page
    answer = stage.log_in("/sla")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sla")
    told = answer.headers.get_list("Set-Cookie")
    assert any(one.startswith("sixfb_session=") and "HttpOnly" in one and "SameSite=lax" in one for one in told)
    assert any(one.startswith('sixfb_oidc=""') for one in told), "the cookie of the login is used up"
    shown = client.get("/sla").text
    assert "ann, viewer" in shown
    assert client.post("/api/shares", json={"path": "/executive"}).status_code == 403
    assert client.post("/logout", data={"csrf": csrf_of(shown)}).headers["Location"] == "/login"
    assert client.get("/api/runs").status_code == 401


def test_the_highest_role_of_a_persons_groups_counts(stage: Stage) -> None:
    stage.provider.twist = {"groups": ["shop", "others", "shop-admins", 7]}
    assert stage.log_in().status_code == 303
    assert "ann, admin" in stage.bench.client.get("/sla").text


@pytest.mark.parametrize("groups", [[], ["others"], "others", None, 7, [["shop"]], {"shop": True}])
def test_who_has_no_role_is_refused_with_what_to_do(stage: Stage, groups: object) -> None:
    stage.provider.twist = {"groups": groups}
    stage.refused(403, "SIXFB_OIDC_ROLES")


def test_groups_that_the_token_lacks_are_asked_for(stage: Stage) -> None:
    stage.provider.twist, stage.provider.info = {"groups": None}, {"groups": ["shop-admins"]}
    assert stage.log_in().status_code == 303
    assert "ann, admin" in stage.bench.client.get("/sla").text
    stage.bench.client.cookies.clear()
    stage.provider.info = {"groups": ["shop-admins"], "sub": "somebody else"}
    stage.refused(401, "another person")


@pytest.mark.parametrize(
    ("twist", "says"),
    [
        ({"nonce": "another"}, "belongs to another login"),
        ({"nonce": None}, "belongs to another login"),
        ({"aud": "another"}, "for another client"),
        ({"aud": None}, "for another client"),
        ({"aud": ["another", "third"]}, "for another client"),
        ({"aud": ["sixfb", "another"]}, "for several clients"),
        ({"azp": "another"}, "for another client"),
        ({"iss": "https://evil.example"}, "of another issuer"),
        ({"iss": None}, "of another issuer"),
        ({"exp": None}, "how long it holds"),
        ({"iat": "now"}, "how long it holds"),
        ({"exp": True}, "how long it holds"),
        ({"exp": 1}, "has expired"),
        ({"iat": 9_999_999_999}, "not valid yet"),
        ({"nbf": 9_999_999_999}, "not valid yet"),
        ({"sub": None}, "names nobody"),
        ({"sub": ""}, "names nobody"),
    ],
)
def test_a_token_with_a_wrong_claim_is_not_believed(stage: Stage, twist: dict[str, Any], says: str) -> None:
    stage.provider.twist = twist
    stage.refused(401, says)


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=").decode()
        for one in ({"alg": alg, "kid": "first"}, claims)
    ]
    return ".".join([*parts, ""])


def by_public_key(claims: dict[str, Any]) -> str:
    """The token signed with the provider's public key as if it were a shared secret."""
    public = KEY.as_pem(private=False)
    header, payload = unsigned(claims, "HS256").split(".")[:2]

    mac = hmac.new(public, f"{header}.{payload}".encode(), hashlib.sha256).digest()
    return f"{header}.{payload}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def by_client_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key("the client's secret"), algorithms=["HS256"])


SIGNED: dict[str, Callable[[dict[str, Any]], object]] = {
    "alg none": unsigned,
    "alg None": lambda claims: unsigned(claims, "None"),
    "no signature": lambda claims: unsigned(claims, "RS256"),
    "a stranger's key": lambda claims: jwt.encode({"alg": "RS256", "kid": "stranger"}, claims, STRANGER),
    "a stranger's key by the right name": lambda claims: jwt.encode({"alg": "RS256", "kid": "first"}, claims, STRANGER),
    "a key in the header": lambda claims: jwt.encode(
        {"alg": "RS256", "jwk": STRANGER.as_dict(private=False)}, claims, STRANGER
    ),
    "the public key as a secret": by_public_key,
    "the client's secret": by_client_secret,
    "an algorithm that was not promised": lambda claims: jwt.encode(
        {"alg": "RS512", "kid": "first"}, claims, KEY, algorithms=["RS512"]
    ),
    "no token": lambda _: "x.y",
    "a number": lambda _: 7,
    "nothing": lambda _: None,
    "too long": lambda _: "x" * 200_000,
    "claims that are a list": lambda _: unsigned([1]),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("how", SIGNED)
def test_a_token_that_the_provider_did_not_sign_is_not_believed(stage: Stage, how: str) -> None:
    stage.provider.sign = SIGNED[how]
    stage.refused(401, "id token")


def test_a_changed_key_of_the_provider_is_fetched_and_a_strangers_is_not(stage: Stage) -> None:
    assert stage.log_in().status_code == 303
    stage.provider.key = RSAKey.generate_key(2048, {"kid": "second"})
    stage.bench.client.cookies.clear()
    stage.bench.now += module._KEYS_AGAIN
    assert stage.log_in().status_code == 303
    assert stage.provider.asked.count("/keys") == 2
    stage.provider.sign = SIGNED["a stranger's key"]
    stage.bench.client.cookies.clear()
    for _ in range(3):
        stage.refused(401, "not signed")
    assert stage.provider.asked.count("/keys") == 2, "asked at most once a minute, whatever comes"


def test_the_way_back_has_to_be_the_one_that_was_begun(stage: Stage) -> None:
    query = stage.provider.agree(stage.begin())
    for wrong, says, status in (
        ({**query, "state": "x"}, "not begun in this browser", 400),
        ({"code": query["code"]}, "not begun in this browser", 400),
        ({**query, "iss": "https://evil.example"}, "Another identity provider", 401),
        ({"state": query["state"], "error": "access_denied<script>"}, "access_denied&lt;script&gt;", 401),
        ({"state": query["state"]}, "sent no code", 400),
    ):
        cookie = dict(stage.bench.client.cookies)
        stage.refused(status, says, stage.come_back(wrong))
        stage.bench.client.cookies.clear()
        for name, value in cookie.items():
            stage.bench.client.cookies.set(name, value)
    stage.bench.client.cookies.clear()
    stage.refused(400, "not begun in this browser", stage.come_back(query))
    text = base64.urlsafe_b64encode(
        json.dumps({"state": "s", "nonce": "n", "verifier": "v", "after": "/", "ends": 9e9}).encode()
    ).decode()
    stage.bench.client.cookies.set("sixfb_oidc", f"{text}.{'0' * 64}")
    stage.refused(400, "not begun in this browser", stage.come_back({"state": "s", "code": "c"}))


def test_a_login_that_takes_too_long_begins_anew(stage: Stage) -> None:
    query = stage.provider.agree(stage.begin())
    stage.bench.now += module.STARTED_LASTS + module._KEYS_AGAIN
    stage.refused(400, "took too long", stage.come_back(query))


@pytest.mark.parametrize("after", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x"])
def test_a_login_leads_to_a_page_of_the_hub_alone(stage: Stage, after: str) -> None:
    assert stage.log_in(after).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("discovery", "says"),
    [
        ({"issuer": "https://evil.example"}, "calls itself otherwise"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "names no authorization_endpoint"),
        ({"authorization_endpoint": "http://evil.example/a"}, "names no authorization_endpoint"),
        ({"authorization_endpoint": None}, "names no authorization_endpoint"),
    ],
)
def test_a_provider_that_describes_itself_wrongly_is_not_followed(
    stage: Stage, discovery: dict[str, Any], says: str
) -> None:
    stage.provider.discovery = discovery
    answer = stage.bench.client.get("/login/oidc")
    stage.refused(502, says, answer)
    assert "Location" not in answer.headers


def test_a_provider_that_refuses_or_hangs_is_told_of_and_users_log_in_beside_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.provider.token_status = 400
    stage.refused(502, "answered 400")
    monkeypatch.setattr(module, "_WITHIN_S", 0.2)
    query = stage.provider.agree(stage.begin())
    stage.provider.hangs = threading.Event()
    stage.refused(502, "did not answer within 0.2 s", stage.come_back(query))
    stage.bench.user(Role.OPERATOR)
    answer = stage.bench.try_login("operator", PASSWORD)
    assert answer.status_code == 303
    stage.provider.hangs.set()


def test_a_hub_without_a_provider_says_so(running: Stage, tmp_path: Path) -> None:
    with a_migrated_store(None, tmp_path / "hub") as store, a_bench(store, tmp_path) as bench:
        for path in ("/login/oidc", "/login/oidc/callback"):
            assert "SIXFB_OIDC_ISSUER" in bench.client.get(path).json()["error"]
        assert "/login/oidc" not in bench.client.get("/login").text


GOOD = {
    "SIXFB_OIDC_ISSUER": "https://id.example/realms/shop",
    "SIXFB_OIDC_CLIENT_ID": "sixfb",
    "SIXFB_OIDC_ROLES": "a=b=admin, *=viewer",
}


def test_the_settings_are_read() -> None:
    assert read_oidc(None, {}) is None
    found = read_oidc(
        "https://hub.example/monitor/", GOOD | {"SIXFB_OIDC_CLIENT_SECRET": "hush", "SIXFB_OIDC_SCOPES": "groups"}
    )
    assert found is not None
    assert found.redirect == "https://hub.example/monitor/login/oidc/callback"
    assert found.roles == {"a=b": Role.ADMIN, "*": Role.VIEWER}
    assert found.scopes == ("openid", "groups")
    assert "hush" not in repr(found)
    must_have_a_login("0.0.0.0", Access(public=True, oidc=found), users=0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"SIXFB_OIDC_ISSUER": "http://id.example"}, "SIXFB_OIDC_ISSUER"),
        ({"SIXFB_OIDC_ISSUER": "https://id.example/?x=1"}, "SIXFB_OIDC_ISSUER"),
        ({"SIXFB_OIDC_ISSUER": "id.example"}, "SIXFB_OIDC_ISSUER"),
        ({"SIXFB_OIDC_ISSUER": ""}, "SIXFB_OIDC_ISSUER: is not set"),
        ({"SIXFB_OIDC_CLIENT_ID": ""}, "SIXFB_OIDC_CLIENT_ID"),
        ({"SIXFB_OIDC_ROLES": ""}, "SIXFB_OIDC_ROLES: is not set"),
        ({"SIXFB_OIDC_ROLES": "shop"}, "SIXFB_OIDC_ROLES"),
        ({"SIXFB_OIDC_ROLES": "shop=owner"}, "SIXFB_OIDC_ROLES"),
        ({"SIXFB_OIDC_ROLES_CLAIM": "a b"}, "SIXFB_OIDC_ROLES_CLAIM"),
    ],
)
def test_a_wrong_setting_is_told_with_its_name(change: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_oidc("https://hub.example", GOOD | change)


def test_what_else_is_missing_is_told() -> None:
    with pytest.raises(ConfigError, match=r"pip install 'sixfb\[oidc\]'"):
        read_oidc("https://hub.example", GOOD, has_extra=False)
    with pytest.raises(ConfigError, match="base_url"):
        read_oidc(None, GOOD)
