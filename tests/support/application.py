"""An OAuth application that others wrote: Authlib's OAuth2Session at a real Gatehouse."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.person import TIMEOUT, Person
from tests.support.server import Gatehouse

CALLBACK = "https://application.example/callback"
VERIFIER = "v" * 64
NONCE = "nonce-of-the-application"


class Application:
    """One registered client; everything else it learns from the discovery document."""

    def __init__(self, gatehouse: Gatehouse, **metadata: Any) -> None:
        metadata = {"client_name": "Reports", "redirect_uris": [CALLBACK], **metadata}
        self.gatehouse = gatehouse
        self.registration = gatehouse.register_client(metadata)
        self.client_id = self.registration["client_id"]
        self.secret = self.registration.get("client_secret", "")
        discovery = gatehouse.url("/.well-known/openid-configuration")
        self.metadata: dict[str, Any] = requests.get(discovery, timeout=TIMEOUT).json()

    def session(self, **options: Any) -> OAuth2Session:
        """A client of Authlib as an application would configure it."""
        options.setdefault("redirect_uri", (self.registration.get("redirect_uris") or [None])[0])
        options.setdefault("scope", "openid profile email")
        return OAuth2Session(
            self.client_id,
            self.secret or None,
            token_endpoint_auth_method=self.registration["token_endpoint_auth_method"],
            code_challenge_method="S256",
            revocation_endpoint_auth_method=self.registration["token_endpoint_auth_method"],
            **options,
        )

    def request(self, session: OAuth2Session, **parameters: Any) -> str:
        """The address to which the application sends the browser."""
        parameters.setdefault("nonce", NONCE)
        url, _ = session.create_authorization_url(
            self.metadata["authorization_endpoint"], code_verifier=VERIFIER, **parameters
        )
        return str(url)

    def visit(self, person: Person, session: OAuth2Session, **parameters: Any) -> str:
        """Send alice there; she signs in and agrees if asked. Returns where she arrives."""
        page = person.open(self.request(session, **parameters))
        if "id_username" in page.text:
            page = person.sign_in(page, "alice", self.gatehouse.password)
        if "consent-allow" in page.text:
            page = person.submit(page, decision="allow")
        return str(page.url)

    def code(self, person: Person, session: OAuth2Session, **parameters: Any) -> str:
        """The code that comes back."""
        return answer(self.visit(person, session, **parameters))["code"]

    def fetch_token(self, session: OAuth2Session, arrived_at: str, **form: Any) -> dict[str, Any]:
        """Redeem what came back; Authlib compares the state."""
        token: dict[str, Any] = session.fetch_token(
            self.metadata["token_endpoint"],
            authorization_response=arrived_at,
            code_verifier=VERIFIER,
            timeout=TIMEOUT,
            **form,
        )
        return token

    def tokens(self, person: Person, **parameters: Any) -> dict[str, Any]:
        """The whole journey."""
        session = self.session()
        return self.fetch_token(session, self.visit(person, session, **parameters))

    def post(self, endpoint: str, **form: str) -> requests.Response:
        """Ask an endpoint that wants client authentication, named as in the metadata."""
        address = self.metadata[f"{endpoint}_endpoint"]
        if not self.secret:
            return requests.post(address, {**form, "client_id": self.client_id}, timeout=TIMEOUT)
        return requests.post(address, form, auth=(self.client_id, self.secret), timeout=TIMEOUT)

    def redeem(self, code: str, **changes: str) -> requests.Response:
        """Redeem a code by hand."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.registration["redirect_uris"][0],
            "code_verifier": VERIFIER,
        }
        return self.post("token", **{**form, **changes})

    def refresh(self, refresh_token: str, **form: str) -> requests.Response:
        """Use a refresh token by hand."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **form}
        return self.post("token", **form)

    def is_active(self, token: str) -> bool:
        """What introspection says."""
        return bool(self.post("introspection", token=token).json()["active"])

    def userinfo(self, token: str) -> requests.Response:
        """Ask UserInfo."""
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(self.metadata["userinfo_endpoint"], headers=headers, timeout=TIMEOUT)

    def verified(self, id_token: str) -> dict[str, Any]:
        """The claims of an ID token, checked as OIDC Core §3.1.3.7 demands."""
        key_set = KeySet.import_key_set(
            requests.get(self.metadata["jwks_uri"], timeout=TIMEOUT).json()
        )
        algorithms = self.metadata["id_token_signing_alg_values_supported"]
        token = jwt.decode(id_token, key_set, algorithms=algorithms)
        expected = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": self.metadata["issuer"]},
            aud={"essential": True, "value": self.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        expected.validate(token.claims)
        return dict(token.claims)


def answer(address: str) -> dict[str, str]:
    """The parameters of an authorization response."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))
