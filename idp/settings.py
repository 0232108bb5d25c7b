"""Django's settings, derived from the typed `idp.conf.Settings` (`settings.IDP`)."""

from __future__ import annotations

from pathlib import Path

from idp import conf, database, mail_server

IDP = conf.load()
BASE_DIR = Path(__file__).resolve().parent.parent

DEBUG = False
SECRET_KEY = IDP.secret_key
ALLOWED_HOSTS = [IDP.host, *IDP.extra_hosts]
ROOT_URLCONF = "idp.urls"
WSGI_APPLICATION = "idp.wsgi.application"
AUTH_USER_MODEL = "idp.User"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "idp.apps.IdpConfig",
    "federation.apps.FederationConfig",
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_tasks",
    "django_tasks_db",
]
MIDDLEWARE = [
    "idp.middleware.SecurityHeaders",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "idp.accounts.middleware.SessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "idp.accounts.context.site",
            ],
        },
    },
]
DATABASES = {"default": database.configuration(IDP.database_url, data_dir=IDP.data_dir)}
ATOMIC_REQUESTS = False

PASSWORD_HASHERS = ["idp.accounts.password.Argon2id"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": IDP.password_minimum_length},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
LOGIN_URL = "/login"

# Identity lives in idp.models.Session; Django's own sessions and sign-in are not used.
SILENCED_SYSTEM_CHECKS = [
    "admin.E408",  # our SessionMiddleware sets request.user
    "auth.E003",  # what is unique is username_key, the canonical form of the name
    "admin.E410",  # there is no django.contrib.sessions
    "security.W001",  # idp.middleware.SecurityHeaders sends what SecurityMiddleware would
    "security.W002",  # Content-Security-Policy frame-ancestors and X-Frame-Options: same place
]
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

CSRF_COOKIE_NAME = IDP.cookie("csrf")
CSRF_COOKIE_SECURE = IDP.https
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "idp.accounts.views.late_form.late_form"
SESSION_COOKIE_NAME = IDP.cookie("messages")
SESSION_COOKIE_SECURE = IDP.https
SESSION_COOKIE_HTTPONLY = True
SECURE_CROSS_ORIGIN_OPENER_POLICY = None
X_FRAME_OPTIONS = "DENY"
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    "form-action": ["'self'"],
}

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False

vars().update(mail_server.django_settings(IDP.mail_server))
DEFAULT_FROM_EMAIL = IDP.mail_from

TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": ["default"]}}

LOGGING_CONFIG = "idp.logging.configure"
LOGGING = {"level": IDP.log_level}
