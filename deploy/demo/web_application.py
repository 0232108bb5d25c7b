"""The demonstration's web application: signs people in with OpenID Connect.

Authorization code flow with PKCE, state and nonce through Authlib's client; the ID token is
verified (OIDC Core §3.1.3.7) and `iss` compared (RFC 9207 §2.4) before anybody is signed in.
Run as `python -m deploy.demo.web_application --data DIR --port N`.
"""

from __future__ import annotations

import base64
import json
import secrets
import sys
from typing import Any, cast

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from deploy.demo import environment, pages, site

SCOPE = "openid profile email address phone groups"
TIMEOUT = 10
PROMPTS = ("login", "none", "consent")
LOGINS_UNDERWAY = 20
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


class WebApplication:
    """The handlers, with the registration that `register_client` gave."""

    def __init__(self, demonstration: environment.Demonstration, client: dict[str, Any]) -> None:
        self.issuer = demonstration.issuer
        self.home_url = demonstration.web_application
        self.client = client
        self.ended: dict[str, bool] = {}
        self.brand = pages.Brand(
            name="Demo web application",
            protocol="OpenID Connect",
            tone="web",
            letter="W",
            home=self.home_url,
            gatehouse=self.issuer,
            sibling_name="Demo SaaS application",
            sibling=demonstration.saas_application,
        )

    def routes(self) -> dict[str, site.Handler]:
        """What answers what."""
        return {
            "GET /": self.home,
            "GET /login": self.login,
            "GET /callback": self.callback,
            "POST /logout": self.logout,
            "GET /logout-everywhere": self.logout_everywhere,
            "GET /signed-out": self.signed_out,
            "POST /backchannel-logout": self.backchannel_logout,
        }

    def home(self, request: site.Request) -> site.Response:
        """What was received, or the way in."""
        received = request.session.get("received")
        if received is None:
            return self.welcome("Sign in to see what an application learns", WELCOME)
        if received["claims"].get("sid") in self.ended:
            request.session.clear()
            return self.welcome("You were signed out", "Gatehouse told us that your session ended.")
        title = received["userinfo"].get("name") or received["claims"]["sub"]
        body = pages.signed_in(str(title), actions=ACTIONS) + show(received)
        return site.page(self.brand.frame("Signed in", body))

    def welcome(self, title: str, text: str) -> site.Response:
        """The page for somebody who is not signed in here."""
        way_in = pages.link("Sign in with Gatehouse", "/login", main=True, id_="sign-in")
        body = pages.welcome(title, text, actions=way_in)
        return site.page(self.brand.frame("Welcome", body))

    def login(self, request: site.Request) -> site.Response:
        """Send the person to the authorization endpoint."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        underway = request.session.setdefault("underway", {})
        while len(underway) >= LOGINS_UNDERWAY:
            underway.pop(next(iter(underway)))
        underway[state] = {"nonce": nonce, "verifier": verifier}
        options = {"nonce": nonce, "code_verifier": verifier}
        if request.query.get("prompt") in PROMPTS:
            options["prompt"] = request.query["prompt"]
        endpoint = self.discover()["authorization_endpoint"]
        url, _ = self.oauth().create_authorization_url(endpoint, state=state, **options)
        return site.redirect(url)

    def callback(self, request: site.Request) -> site.Response:
        """The authorization response: check it, get tokens, verify them, sign in."""
        answer = request.query
        underway = request.session.get("underway", {}).pop(answer.get("state", ""), None)
        if underway is None:
            raise site.Problem(
                "This sign-in did not begin here",
                "Its state is unknown: it was answered already, or began in another browser.",
            )
        if answer.get("iss") != self.issuer:
            raise site.Problem(
                "Somebody else answered", f"The response does not come from {self.issuer}."
            )
        if "error" in answer:
            text = answer.get("error_description") or EXPLAINED.get(answer["error"], "")
            raise site.Problem("Gatehouse did not sign you in", text, code=answer["error"])
        request.session["received"] = self.receive(answer.get("code", ""), underway)
        request.fresh_session = True
        return site.redirect("/")

    def receive(self, code: str, underway: dict[str, str]) -> dict[str, Any]:
        """Exchange the code, verify the ID token and ask UserInfo."""
        metadata = self.discover()
        try:
            tokens = self.oauth().fetch_token(
                metadata["token_endpoint"],
                code=code,
                code_verifier=underway["verifier"],
                timeout=TIMEOUT,
            )
        except AuthlibBaseError as error:
            raise site.Problem(
                "The code was not accepted", str(error.description), code=str(error.error)
            ) from error
        except ValueError as error:
            raise site.Problem(
                "Gatehouse answered something unexpected", "Its own log says more.", status=502
            ) from error
        except requests.RequestException as error:
            raise self.unreachable() from error
        claims = self.verify(tokens, nonce=underway["nonce"])
        userinfo = self.fetch(
            metadata["userinfo_endpoint"],
            headers={"Authorization": f"Bearer {tokens['access_token']}"},
        )
        if userinfo.get("sub") != claims["sub"]:
            raise site.Problem("UserInfo is about somebody else", "Its sub is not the ID token's.")
        return {"tokens": dict(tokens), "claims": claims, "userinfo": userinfo}

    def verify(self, tokens: dict[str, Any], *, nonce: str) -> dict[str, Any]:
        """The claims of the ID token, once its signature and they are right."""
        try:
            token = self.decode(tokens["id_token"])
            expected = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self.client["client_id"]},
            }
            about = {
                "nonce": nonce,
                "client_id": self.client["client_id"],
                "access_token": tokens["access_token"],
            }
            CodeIDToken(token.claims, token.header, expected, about).validate(leeway=5)
        except (JoseError, KeyError, ValueError) as error:
            raise site.Problem(
                "The ID token is not valid", str(error), code="invalid_token"
            ) from error
        return dict(token.claims)

    def logout(self, request: site.Request) -> site.Response:
        """Forget the person here; Gatehouse's session goes on."""
        request.session.clear()
        return site.redirect("/")

    def logout_everywhere(self, request: site.Request) -> site.Response:
        """Forget the person here and go on to the end_session endpoint (RP-Initiated Logout §2)."""
        received = request.session.get("received")
        request.session.clear()
        parameters = {
            "client_id": self.client["client_id"],
            "post_logout_redirect_uri": f"{self.home_url}/signed-out",
        }
        if received:
            parameters["id_token_hint"] = received["tokens"]["id_token"]
        request_ = requests.Request("GET", self.discover()["end_session_endpoint"])
        request_.params = parameters
        return site.redirect(str(request_.prepare().url))

    def signed_out(self, request: site.Request) -> site.Response:
        """Where Gatehouse sends the person after signing out."""
        return self.welcome(
            "You are signed out", "At Gatehouse too: the next sign-in asks for your password again."
        )

    def backchannel_logout(self, request: site.Request) -> site.Response:
        """Gatehouse says that a session ended: whoever was signed in by it no longer is."""
        sid = self.verify_logout(request.form.get("logout_token", ""))
        self.ended[sid] = True
        while len(self.ended) > site.MAXIMUM_SESSIONS:
            self.ended.pop(next(iter(self.ended)))
        return site.Response()

    def verify_logout(self, token: str) -> str:
        """The session that a logout token names (OIDC Back-Channel Logout §2.6)."""
        rules = jwt.JWTClaimsRegistry(
            leeway=5,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.client["client_id"]},
            iat={"essential": True},
            exp={"essential": True},
            events={"essential": True},
            sid={"essential": True},
        )
        try:
            read = self.decode(token)
            rules.validate(read.claims)
        except (JoseError, ValueError) as error:
            raise site.Problem("The logout token is not valid", str(error)) from error
        if read.header.get("typ") != "logout+jwt" or "nonce" in read.claims:
            raise site.Problem("That is no logout token", "It is a token for something else.")
        if LOGOUT_EVENT not in read.claims["events"]:
            raise site.Problem("That is no logout token", "It tells of another event.")
        return str(read.claims["sid"])

    def decode(self, token: str) -> jwt.Token:
        """A JWT that Gatehouse signed, with the algorithm that was registered; raises JoseError."""
        document = self.fetch(self.discover()["jwks_uri"])
        keys = KeySet.import_key_set(cast(KeySetSerialization, document))
        algorithm = self.client.get("id_token_signed_response_alg", "RS256")
        return jwt.decode(token, keys, algorithms=[algorithm])

    def discover(self) -> dict[str, Any]:
        """The provider's metadata, asked again each time: a demonstration shows what is true."""
        metadata = self.fetch(f"{self.issuer}/.well-known/openid-configuration")
        if metadata.get("issuer") != self.issuer:
            raise site.Problem("The metadata is somebody else's", f"It is not of {self.issuer}.")
        return metadata

    def fetch(self, url: str, *, headers: dict[str, str] | None = None) -> dict[str, Any]:
        """A JSON document of the provider."""
        try:
            answer = requests.get(url, headers=headers, timeout=TIMEOUT, allow_redirects=False)
            document = answer.json() if answer.status_code == 200 else None
        except requests.RequestException as error:
            raise self.unreachable() from error
        if not isinstance(document, dict):
            raise site.Problem(
                "Gatehouse answered something unexpected",
                f"{url} answered with status {answer.status_code}.",
                status=502,
            )
        return document

    def unreachable(self) -> site.Problem:
        """The page for a provider that does not answer."""
        return site.Problem(
            "Gatehouse does not answer", f"Is it running at {self.issuer}?", status=502
        )

    def oauth(self) -> OAuth2Session:
        """Authlib's client with our registration."""
        return OAuth2Session(
            self.client["client_id"],
            self.client["client_secret"],
            scope=SCOPE,
            redirect_uri=f"{self.home_url}/callback",
            token_endpoint_auth_method="client_secret_basic",  # noqa: S106 (a method, no secret)
            code_challenge_method="S256",
        )


WELCOME = (
    "This application knows nobody. It asks Gatehouse who you are, "
    "and then shows every claim and token that it got."
)
EXPLAINED = {
    "access_denied": "You or an administrator said no. Nothing was shared.",
    "login_required": "Nobody is signed in at Gatehouse, and this sign-in was not to ask.",
    "consent_required": "Your consent is missing, and this sign-in was not to ask for it.",
}
ACTIONS = (
    pages.button("Sign out here", "/logout", id_="sign-out")
    + pages.link("Sign out everywhere", "/logout-everywhere", id_="sign-out-everywhere")
    + pages.text_link("Sign in again, with password", "/login?prompt=login")
    + pages.text_link("Check the session silently", "/login?prompt=none")
)


def show(received: dict[str, Any]) -> str:
    """The three things that the application got."""
    tokens = received["tokens"]
    head, claims = decoded(tokens["access_token"])
    header = [(f"{name} (header)", text) for name, text in head.items()]
    about = f"Valid for {tokens.get('expires_in')} s, scope {tokens.get('scope') or SCOPE}."
    return (
        pages.card(
            "ID token",
            pages.table(received["claims"].items())
            + pages.raw("As it came, signed", tokens["id_token"], id_="id-token-raw"),
            id_="id-token",
            note="Who signed in, when and how; its signature was verified.",
        )
        + pages.card(
            "UserInfo",
            pages.table(received["userinfo"].items()),
            id_="userinfo",
            note="What the granted scopes tell about this person.",
        )
        + pages.card(
            "Access token",
            pages.table([*header, *claims.items()])
            + pages.raw("As it came, signed", tokens["access_token"], id_="access-token-raw"),
            id_="access-token",
            note=about,
        )
    )


def decoded(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT to look at, not to trust: this application is not its audience."""
    try:
        header, claims, _ = (
            json.loads(base64.urlsafe_b64decode(part + "==")) if number < 2 else {}
            for number, part in enumerate(token.split("."))
        )
    except ValueError:
        return {}, {"value": token}
    return header, claims


def main() -> None:
    """Serve until ended."""
    options = environment.application_options(sys.argv[1:])
    demonstration = environment.at(options.data, port=options.port, tls=options.tls)
    client = demonstration.registered(demonstration.web_application)
    application = WebApplication(demonstration, client)
    site.serve(
        site.Site(
            application.brand,
            cookie="gatehouse_demo_web",
            routes=application.routes(),
            tls=demonstration.tls,
        ),
        host=options.host,
        port=demonstration.port + 1,
        tls=demonstration.server_pair,
    )


if __name__ == "__main__":
    main()
