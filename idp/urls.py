"""URLs that Django answers; protocol endpoints are mounted here too, for tests and reversing."""

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
