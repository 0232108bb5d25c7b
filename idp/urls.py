"""URLs that Django answers.

Protocol endpoints are mounted here too, from the features' routes, so that tests, `runserver`
and the short way of `idp.dispatch` give the same answers.
"""

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from idp import features, health, metrics
from idp.admin_site import site
from idp.endpoints import adapter

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("admin/", site.urls),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("account/", RedirectView.as_view(url="/account")),
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}idp/favicon.svg")),
    *(
        path(route.lstrip("/"), adapter.as_view(handler), name=route.lstrip("/"))
        for route, handler in features.routes().items()
    ),
    path("", include("idp.accounts.urls")),
]
if apps.is_installed("federation"):
    urlpatterns.append(path("", include("federation.urls")))

handler400 = "idp.accounts.views.errors.bad_request"
handler403 = "idp.accounts.views.errors.permission_denied"
handler404 = "idp.accounts.views.errors.page_not_found"
handler500 = "idp.accounts.views.errors.server_error"
