"""What every test runs with."""

from hypothesis import HealthCheck, settings

# A busy machine is no failure: the time of an example says nothing here.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")
