"""Fake guardrail services on loopback: Presidio, OpenAI's moderation and Amazon Bedrock's guardrails.

Each speaks as much of its service's API as LiteLLM uses, keeps what it is asked, and judges by rules of its
own, so that a test can tell which of several guards of a gateway has acted.
"""

import re
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from tests.litellm_proxy.fake_server import FakeServer, RecordedRequest


class FakeGuard(FakeServer):
    """A guardrail service on a free loopback port, for a ``with`` statement."""

    def __init__(self) -> None:
        super().__init__()
        self._in_order = True

    @property
    @abstractmethod
    def texts(self) -> list[str]:
        """The texts that the service was asked to judge, oldest first."""

    @contextmanager
    def out_of_order(self) -> Iterator[None]:
        """Make the service answer 503 to everything, as long as the ``with`` statement lasts."""
        self._in_order = False
        try:
            yield
        finally:
            self._in_order = True

    def _respond(self, request: RecordedRequest) -> tuple[int, object]:
        if not self._in_order:
            return 503, {"error": "out of order"}
        answer = self._answer(request)
        return (404, {"error": "no such path"}) if answer is None else (200, answer)

    @abstractmethod
    def _answer(self, request: RecordedRequest) -> object | None:
        """Judge; ``None`` where the service has no such path."""


class FakePresidio(FakeGuard):
    """Presidio's analyzer and anonymizer at one address, as a GuardrailProvider's ``baseUrl`` has it.

    It finds mail addresses with a score of 0.9, and telephone numbers like ``555-0100`` and IP addresses with a
    score of 0.4.
    """

    _PATTERNS: ClassVar[Mapping[str, tuple[re.Pattern[str], float]]] = {
        "EMAIL_ADDRESS": (re.compile(r"[\w.]+@[\w.]+\.\w+"), 0.9),
        "PHONE_NUMBER": (re.compile(r"\b\d{3}-\d{4}\b"), 0.4),
        "IP_ADDRESS": (re.compile(r"\b\d+\.\d+\.\d+\.\d+\b"), 0.4),
    }

    @property
    def texts(self) -> list[str]:
        """The texts to analyze."""
        return [str(request.json()["text"]) for request in self.requests if request.path == "/analyze"]

    def _answer(self, request: RecordedRequest) -> object | None:
        document: dict[str, Any] = request.json()
        if request.path == "/analyze":
            return self._analyze(document["text"], document.get("entities"))
        if request.path == "/anonymize":
            return self._anonymize(document["text"], document["analyzer_results"])
        return None

    def _analyze(self, text: str, entities: list[str] | None) -> list[dict[str, Any]]:
        return [
            {"entity_type": entity, "start": match.start(), "end": match.end(), "score": score}
            for entity, (pattern, score) in self._PATTERNS.items()
            if entities is None or entity in entities
            for match in pattern.finditer(text)
        ]

    def _anonymize(self, text: str, found: list[dict[str, Any]]) -> dict[str, Any]:
        for item in sorted(found, key=lambda item: int(item["start"]), reverse=True):
            text = f"{text[: item['start']]}<{item['entity_type']}>{text[item['end'] :]}"
        return {"text": text, "items": [{"entity_type": item["entity_type"]} for item in found]}


class FakeModeration(FakeGuard):
    """OpenAI's moderation endpoint; it flags what holds the word `FLAGGED`."""

    FLAGGED: ClassVar = "mayhem"

    @property
    def base_url(self) -> str:
        """URL for ``api_base`` and for the provider's ``baseUrl``."""
        return f"{self.url}/v1"

    @property
    def texts(self) -> list[str]:
        """The inputs."""
        return [str(request.json()["input"]) for request in self.requests]

    def _answer(self, request: RecordedRequest) -> object | None:
        if request.path != "/v1/moderations":
            return None
        document = request.json()
        flagged = self.FLAGGED in str(document["input"])
        result = {
            "flagged": flagged,
            "categories": {"illicit": flagged},
            "category_scores": {"illicit": float(flagged)},
            "category_applied_input_types": {"illicit": ["text"]},
        }
        return {"id": "modr-fake", "model": document["model"], "results": [result]}


class FakeBedrock(FakeGuard):
    """Bedrock's ApplyGuardrail; it blocks what holds the word `BLOCKED`, and masks numbers of eight digits."""

    BLOCKED: ClassVar = "contraband"
    MASK: ClassVar = "{ACCOUNT}"
    _PATH: ClassVar = re.compile(r"/guardrail/[^/]+/version/[^/]+/apply")
    _ACCOUNT: ClassVar = re.compile(r"\b\d{8}\b")

    @property
    def texts(self) -> list[str]:
        """The texts of all content blocks."""
        return [text for request in self.requests for text in self._contents(request)]

    @staticmethod
    def _contents(request: RecordedRequest) -> list[str]:
        document: dict[str, Any] = request.json()
        return [block["text"]["text"] for block in document["content"]]

    def _answer(self, request: RecordedRequest) -> object | None:
        if not self._PATH.fullmatch(request.path):
            return None
        texts = self._contents(request)
        if any(self.BLOCKED in text for text in texts):
            topic = {"name": self.BLOCKED, "type": "DENY", "action": "BLOCKED"}
            return _intervened(["the guardrail says no"], {"topicPolicy": {"topics": [topic]}})
        if any(self._ACCOUNT.search(text) for text in texts):
            found = {"name": "account", "match": "hidden", "action": "ANONYMIZED"}
            masked = [self._ACCOUNT.sub(self.MASK, text) for text in texts]
            return _intervened(masked, {"sensitiveInformationPolicy": {"regexes": [found]}})
        return {"action": "NONE", "outputs": [], "assessments": [], "usage": {}}


def _intervened(texts: list[str], assessment: Mapping[str, object]) -> dict[str, object]:
    return {
        "action": "GUARDRAIL_INTERVENED",
        "outputs": [{"text": text} for text in texts],
        "assessments": [assessment],
        "usage": {},
    }
