"""Settings that all tests share."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",  # the same examples at every run: a failure is the change's, not the dice's
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
settings.load_profile("steady")
