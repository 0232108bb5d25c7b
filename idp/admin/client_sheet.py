"""Settings of an OAuth client ready to copy: values, `.env`, curl, and what common clients want."""

from __future__ import annotations

import json

from django.conf import settings

from idp.admin import preview_tokens
from idp.admin.kinds import Setting, Sheet, Snippet
from idp.models import Application, Client
from idp.protocol.client_assertion import ASSERTION_TYPE

HIDDEN = "the-secret-shown-once"


def sheet(application: Application, secret: str) -> Sheet:
    """Everything that the application's developer needs; `secret`: "" if it is not to be shown."""
    client = Client.objects.select_related("application").get(pk=application.pk)
    machine = application.kind == Application.Kind.MACHINE
    rows = [
        Setting("Issuer", settings.IDP.issuer),
        Setting("Discovery", settings.IDP.url("/.well-known/openid-configuration")),
        Setting("Client ID", client.client_id),
    ]
    if secret:
        rows.append(Setting("Client secret", secret, secret=True))
    if machine:
        rows.append(Setting("Token endpoint", settings.IDP.url("/token")))
    else:
        rows.append(Setting("Redirect address", _first(client)))
        rows.append(Setting("Scopes", " ".join(_scopes(client))))
    snippets = _machine_snippets(client, secret) if machine else _sign_in_snippets(client, secret)
    return Sheet(tuple(rows), tuple(snippets))


def _first(client: Client) -> str:
    return client.redirect_uris[0] if client.redirect_uris else ""


def _scopes(client: Client) -> list[str]:
    usual = ("openid", "profile", "email", "groups")
    return [scope for scope in preview_tokens.scopes_of(client) if scope in usual]


def _env(client: Client, secret: str, **more: str) -> Snippet:
    lines = {"OIDC_ISSUER": settings.IDP.issuer, "OIDC_CLIENT_ID": client.client_id}
    if client.has_secret:
        lines["OIDC_CLIENT_SECRET"] = secret or HIDDEN
    return Snippet(
        ".env", "\n".join(f"{name}={value}" for name, value in {**lines, **more}.items())
    )


def _sign_in_snippets(client: Client, secret: str) -> list[Snippet]:
    env = _env(
        client,
        secret,
        OIDC_REDIRECT_URI=_first(client),
        OIDC_SCOPES=f'"{" ".join(_scopes(client))}"',
    )
    discovery = f"curl {settings.IDP.url('/.well-known/openid-configuration')}"
    snippets = [env, Snippet("curl", discovery)]
    if client.is_public:
        return [*snippets, _oidc_client_ts(client), _appauth(client)]
    if not client.has_secret:  # its library signs with the client's key, each in its own way
        return snippets
    return [
        *snippets,
        _authlib(client, secret),
        _auth_js(client, secret),
        _mod_auth_openidc(client, secret),
    ]


def _authlib(client: Client, secret: str) -> Snippet:
    text = f"""\
oauth.register(
    "gatehouse",
    server_metadata_url="{settings.IDP.url("/.well-known/openid-configuration")}",
    client_id="{client.client_id}",
    client_secret="{secret or HIDDEN}",
    client_kwargs={{"scope": "{" ".join(_scopes(client))}", "code_challenge_method": "S256"}},
)"""
    return Snippet("Python: Authlib", text)


def _auth_js(client: Client, secret: str) -> Snippet:
    text = f"""\
{{
  id: "gatehouse",
  name: "{_quoted(settings.IDP.site_name)}",
  type: "oidc",
  issuer: "{settings.IDP.issuer}",
  clientId: "{client.client_id}",
  clientSecret: "{secret or HIDDEN}",
  client: {{ id_token_signed_response_alg: "{client.id_token_signed_response_alg}" }},
  authorization: {{ params: {{ scope: "{" ".join(_scopes(client))}" }} }},
}}"""
    return Snippet("JavaScript: Auth.js", text)


def _mod_auth_openidc(client: Client, secret: str) -> Snippet:
    text = f"""\
OIDCProviderMetadataURL {settings.IDP.url("/.well-known/openid-configuration")}
OIDCClientID {client.client_id}
OIDCClientSecret {secret or HIDDEN}
OIDCRedirectURI {_first(client)}
OIDCScope "{" ".join(_scopes(client))}"
OIDCPKCEMethod S256
OIDCIDTokenSignedResponseAlg {client.id_token_signed_response_alg}"""
    return Snippet("Apache: mod_auth_openidc", text)


def _oidc_client_ts(client: Client) -> Snippet:
    values = {
        "authority": settings.IDP.issuer,
        "client_id": client.client_id,
        "redirect_uri": _first(client),
        "scope": " ".join(_scopes(client)),
    }
    text = f"new UserManager({json.dumps(values, indent=2)})"
    return Snippet("JavaScript: oidc-client-ts", text)


def _appauth(client: Client) -> Snippet:
    values = {
        "issuer": settings.IDP.issuer,
        "clientId": client.client_id,
        "redirectUrl": _first(client),
        "scopes": _scopes(client),
    }
    return Snippet("React Native: AppAuth", json.dumps(values, indent=2))


def _machine_snippets(client: Client, secret: str) -> list[Snippet]:
    resources = list(client.resources.all())
    target = f" \\\n  -d resource={resources[0].identifier}" if resources else ""
    curl = (
        f"curl {settings.IDP.url('/token')} \\\n  -u {client.client_id}:{secret or HIDDEN} \\\n"
        f"  -d grant_type=client_credentials{target}"
    )
    if not client.has_secret:
        curl = (
            f"curl {settings.IDP.url('/token')} \\\n  -d grant_type=client_credentials \\\n"
            f"  -d client_assertion_type={ASSERTION_TYPE} \\\n"
            f'  -d client_assertion="$SIGNED_BY_YOUR_KEY"{target}'
        )
        return [_env(client, secret), Snippet("curl", curl)]
    extra = f', resource="{resources[0].identifier}"' if resources else ""
    python = f"""\
session = OAuth2Session("{client.client_id}", "{secret or HIDDEN}")
token = session.fetch_token(
    "{settings.IDP.url("/token")}", grant_type="client_credentials"{extra}
)"""
    return [_env(client, secret), Snippet("curl", curl), Snippet("Python: Authlib", python)]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]
