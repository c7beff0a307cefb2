"""The endpoint that ``settings.INNGEST`` describes, for ``include("inngest.django.urls")``."""

from inngest.django._settings import configured

urlpatterns = [configured()]
