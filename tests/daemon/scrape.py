"""What `/metrics` says, as numbers."""

from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True)
class Scrape:
    """One answer of `/metrics`; names are given without the prefix of the project."""

    text: str

    def names(self) -> set[str]:
        """Return the names of all metrics."""
        return {family.name for family in text_string_to_metric_families(self.text)}

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of a metric with these labels, among others; 0 where there is none."""
        return sum(
            sample.value
            for family in text_string_to_metric_families(self.text)
            for sample in family.samples
            if sample.name == f"litellm_gateways_{name}" and labels.items() <= sample.labels.items()
        )
