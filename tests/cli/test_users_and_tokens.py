"""Users and tokens by command, and how the settings of the hub's doors are read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from typer.testing import CliRunner, Result

from cli.access import must_have_a_login, read_access
from cli.app import command_line
from cli.command_error import CommandError
from config import ConfigError, Secret
from facts import Role, TokenKind
from hub.access import Access, ProxyLogin
from hub.logins import Logins
from hub.server_key import ServerKey, server_key
from hub.shares import Shares
from hub.tokens import Tokens
from store import Store
from tests.databases import a_migrated_store


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "SIXFB_SECRET_KEY", "SIXFB_SECRET_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SIXFB_VAR", str(tmp_path))
    monkeypatch.setenv("SIXFB_CONFIG", str(tmp_path))
    return tmp_path


def sixfb(*arguments: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(command_line(), list(arguments), input=typed)


def refusal(*arguments: str, typed: str | None = None) -> str:
    done = sixfb(*arguments, typed=typed)
    assert isinstance(done.exception, CommandError | ConfigError), done.output
    return str(done.exception)


def can_log_in(store: Store, password: str) -> bool:
    try:
        Logins(store, ServerKey(b"k" * 32)).log_in("ann", password, client="test")
    except Exception:  # noqa: BLE001 - whatever it is, it is no login
        return False
    return True


def test_a_user_is_added_listed_given_another_password_and_removed(var: Path) -> None:
    assert sixfb("user", "add", "ann", "--role", "operator", typed="correct horse battery\n").exit_code == 0
    assert "already" in refusal("user", "add", "ann", "--role", "admin", typed="correct horse battery\n")
    (user,) = json.loads(sixfb("user", "list", "--json").stdout)
    assert (user["name"], user["role"]) == ("ann", "operator")
    assert "password" not in user
    with a_migrated_store(None, var / "hub") as store:
        assert can_log_in(store, "correct horse battery")
        file = var / "password"
        file.write_text("another password\n")
        assert sixfb("user", "passwd", "ann", "--password-file", str(file)).exit_code == 0
        assert can_log_in(store, "another password")
    assert "--even-the-last" in refusal("user", "remove", "ann")
    assert sixfb("user", "remove", "ann", "--even-the-last").exit_code == 0
    assert json.loads(sixfb("user", "list", "--json").stdout) == []


def test_what_cannot_be_a_user_is_told(var: Path) -> None:
    assert "small letters" in refusal("user", "add", "Ann Smith", "--role", "viewer", typed="x")
    assert "12 to 256" in refusal("user", "add", "ann", "--role", "viewer", typed="short\n")
    assert "no user 'bob'" in refusal("user", "remove", "bob")
    assert "no user 'bob'" in refusal("user", "passwd", "bob", typed="correct horse battery\n")
    assert "cannot be read" in refusal("user", "passwd", "bob", "--password-file", str(var / "none"))
    assert sixfb("user", "add", "ann", "--role", "emperor").exit_code == 2


def test_a_token_is_printed_once_alone_and_works_until_it_is_revoked(var: Path) -> None:
    made = sixfb("token", "create", "--location", "us-east")
    text = made.stdout.strip()
    assert text.startswith("sfb_us-east_")
    (listed,) = json.loads(sixfb("token", "list", "--json").stdout)
    assert listed["id"] in text
    assert text.rpartition("_")[2] not in sixfb("token", "list", "--json").stdout
    with a_migrated_store(None, var / "hub") as store:
        from tests.builders import A_MOMENT

        known = Tokens(store, server_key(var / "hub")).known(text, now=A_MOMENT)
    assert (known.kind, known.subject) == (TokenKind.LOCATION, "us-east")
    assert sixfb("token", "revoke", listed["id"]).exit_code == 0
    assert "no active token" in refusal("token", "revoke", listed["id"])


def test_what_cannot_have_a_token_is_told(var: Path) -> None:
    assert "no location named 'mars'" in refusal("token", "create", "--location", "mars")
    assert "either --location NAME or --source NAME" in refusal("token", "create")
    assert "either" in refusal("token", "create", "--location", "us-east", "--source", "website")
    assert "hyphens" in refusal("token", "create", "--source", "the_shop")
    for _ in range(2):
        assert sixfb("token", "create", "--source", "website").exit_code == 0
    assert "two active tokens" in refusal("token", "create", "--source", "website")


@pytest.mark.parametrize(
    ("host", "environment", "public"),
    [
        ("127.0.0.1", {}, False),
        ("localhost", {}, False),
        ("::1", {}, False),
        ("127.0.0.1", {"SIXFB_HOSTS": "localhost,127.0.0.1"}, False),
        ("127.0.0.1", {"SIXFB_HOSTS": "hub.example.com"}, True),
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("10.1.2.3", {}, True),
    ],
)
def test_a_hub_that_others_can_reach_does_not_start_without_a_login(
    host: str, environment: dict[str, str], public: bool
) -> None:
    access = read_access(host, environment=environment)
    assert access.public is public
    must_have_a_login(host, access, users=1)
    must_have_a_login(host, Access(public=True, proxy_login=ProxyLogin(header="X-User")), users=0)
    if not public:
        must_have_a_login(host, access, users=0)
        return
    with pytest.raises(CommandError, match="sixfb user add"):
        must_have_a_login(host, access, users=0)


def test_every_setting_of_the_doors_is_read() -> None:
    access = read_access(
        "0.0.0.0",
        "https://Linked.example.com/hub",
        {
            "SIXFB_HOSTS": "Hub.example.com, *.example.net,[2001:db8::1]",
            "SIXFB_REQUIRE_TOKENS": "yes",
            "SIXFB_TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "SIXFB_TRUSTED_PROXY_HEADER": "X-Forwarded-User",
            "SIXFB_TRUSTED_PROXY_ROLE": "Operator",
            "SIXFB_TRUSTED_PROXY_ROLE_HEADER": "X-Role",
            "SIXFB_METRICS_TOKEN": "scrape",
        },
    )
    assert access == Access(
        public=True,
        require_tokens=True,
        hosts=("hub.example.com", "*.example.net", "2001:db8::1", "linked.example.com"),
        proxies=(ip_network("10.0.0.0/8"), ip_network("::1")),
        proxy_login=ProxyLogin(header="X-Forwarded-User", role=Role.OPERATOR, role_header="X-Role"),
        metrics_token=Secret("scrape"),
        linked="linked.example.com",
        prefix="/hub",
    )
    assert "scrape" not in repr(access)


def test_links_below_a_page_of_the_hub_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"alerts\.yaml: base_url: the hub has a page /alerts of its own"):
        read_access("127.0.0.1", "https://example.com/alerts", {})


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SIXFB_HOSTS": "https://hub.example.com"}, "SIXFB_HOSTS: 'https://hub.example.com' is no host's name"),
        ({"SIXFB_HOSTS": "*"}, "SIXFB_HOSTS: '*' is no host's name"),
        ({"SIXFB_REQUIRE_TOKENS": "perhaps"}, "SIXFB_REQUIRE_TOKENS: 'perhaps' is neither yes nor no"),
        ({"SIXFB_TRUSTED_PROXIES": "10.0.0.1/8"}, "SIXFB_TRUSTED_PROXIES: 10.0.0.1/8 has host bits set"),
        ({"SIXFB_TRUSTED_PROXIES": "the proxy"}, "SIXFB_TRUSTED_PROXIES: 'the proxy' does not appear"),
        ({"SIXFB_TRUSTED_PROXY_HEADER": "X-User"}, "SIXFB_TRUSTED_PROXIES: is not set"),
        ({"SIXFB_TRUSTED_PROXY_HEADER": "X User", "SIXFB_TRUSTED_PROXIES": "::1"}, "no header's name"),
        ({"SIXFB_TRUSTED_PROXY_ROLE": "admin"}, "SIXFB_TRUSTED_PROXY_HEADER: is not set"),
        ({"SIXFB_TRUSTED_PROXY_ROLE": "king", "SIXFB_TRUSTED_PROXY_HEADER": "X-User"}, "'king' is no role"),
    ],
)
def test_a_setting_that_would_not_do_what_it_says_is_told(environment: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_access("127.0.0.1", environment=environment)
    assert says in str(refused.value)


def test_a_share_link_is_made_listed_and_revoked(var: Path) -> None:
    made = sixfb("share", "create", "/executive?range=7d", "--for", "2d", "--by", "ann")
    assert made.exit_code == 0, made.output
    path = urlsplit(made.stdout.strip()).path
    with a_migrated_store(None, var / "hub") as store:
        shares = Shares(store, server_key(var / "hub"))
        assert shares.opened(path.removeprefix("/share/"), now=datetime.now(UTC)).path == "/executive?range=7d"
    (listed,) = json.loads(sixfb("share", "list", "--json").stdout)
    assert (listed["path"], listed["by"], listed["now"]) == ("/executive?range=7d", "ann", "active")
    assert path not in sixfb("share", "list").stdout
    assert sixfb("share", "revoke", listed["id"], "--by", "bob").exit_code == 0
    assert "revoked by bob" in " ".join(sixfb("share", "list").stdout.split())
    assert "no share link" in refusal("share", "revoke", listed["id"])
    assert "is no page that can be shared" in refusal("share", "create", "/alerts")
    assert "no run 'none'" in refusal("share", "create", "/runs/none")
    assert "not between 10m and 90d" in refusal("share", "create", "/executive", "--for", "1s")
