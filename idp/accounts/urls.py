"""The addresses of the pages that people see."""

from __future__ import annotations

from django.urls import path

from idp.accounts.views import consent, home, interaction, login, logout, not_allowed
from idp.accounts.views.account import activity, index, password, permissions, sessions

urlpatterns = [
    path("", home.home, name="home"),
    path("login", login.plain, name="login"),
    path("logout", logout.plain, name="logout"),
    path("logout/done", logout.done, name="signed-out"),
    path("logout/applications", logout.applications, name="logout-applications"),
    path("logout/applications/leave", logout.leave, name="logout-leave"),
    path("logout/confirm/<str:handle>", logout.confirm, name="logout-confirm"),
    path("interaction/<str:handle>", interaction.dispatch, name="interaction"),
    path("interaction/<str:handle>/login", login.step, name="interaction-login"),
    path("interaction/<str:handle>/consent", consent.step, name="interaction-consent"),
    path("interaction/<str:handle>/not-allowed", not_allowed.step, name="interaction-not-allowed"),
    path("account", index.index, name="account"),
    path("account/permissions", permissions.index, name="account-consents"),
    path("account/sessions", sessions.index, name="account-sessions"),
    path("account/activity", activity.index, name="account-activity"),
    path("account/password", password.index, name="account-password"),
    path("logo/<str:identifier>", home.logo, name="logo"),
    path(".well-known/change-password", home.change_password, name="change-password"),
]
