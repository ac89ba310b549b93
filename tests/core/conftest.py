"""Property tests judge results, never speed: these run on whatever machine, beside whatever else."""

from hypothesis import HealthCheck, settings

settings.register_profile("core", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")
