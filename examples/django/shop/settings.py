"""The least that a Django project needs, and what it says of its background functions."""

ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ASGI_APPLICATION = "shop.asgi.application"
DEBUG = False
INSTALLED_APPS = ["inngest.django"]
INNGEST = {"CLIENT": "shop.background.client", "FUNCTIONS": "shop.background.functions"}
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]
ROOT_URLCONF = "shop.urls"
SECRET_KEY = "an example needs no secret"
USE_TZ = True
WSGI_APPLICATION = "shop.wsgi.application"
