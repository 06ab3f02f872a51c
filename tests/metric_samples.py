"""Read metrics as Prometheus does."""

from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import exposition


def samples(text: str | None = None) -> dict[tuple[str, ...], float]:
    """Every sample of the exposition by its name and sorted labels."""
    families = text_string_to_metric_families(text or exposition().decode())
    return {
        (sample.name, *(f"{name}={value}" for name, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in families
        for sample in family.samples
    }


def sample(name: str, **labels: str) -> float:
    """The value of one sample; 0 when there is none yet."""
    key = (name, *(f"{name}={value}" for name, value in sorted(labels.items())))
    return samples().get(key, 0.0)
