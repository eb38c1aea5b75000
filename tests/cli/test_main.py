"""How gatewayctl ends: a line for each mistake, and a traceback for a fault of ours alone."""

import pytest

from gateway_components.cli import main as entry
from gateway_components.errors import GatewayError

FORBIDDEN = GatewayError("the right to get Secrets is missing")
MISTAKES: list[tuple[str, Exception, str]] = [
    ("alone", FORBIDDEN, f"error: {FORBIDDEN}\n"),
    (
        "several",
        ExceptionGroup("of reads", [FORBIDDEN, ExceptionGroup("of others", [GatewayError("no answer")])]),
        f"error: {FORBIDDEN}\nerror: no answer\n",
    ),
    (
        "what others wrote, which could control a terminal",
        GatewayError("a\x1b[2J\x07\u202eb\x9b\nof two lines"),
        "error: a\ufffd[2J\ufffd\ufffdb\ufffd\nof two lines\n",
    ),
    ("twice the same", ExceptionGroup("of reads", [FORBIDDEN, FORBIDDEN]), f"error: {FORBIDDEN}\n"),
]


@pytest.mark.parametrize(("case", "error", "said"), MISTAKES, ids=[case[0] for case in MISTAKES])
def test_each_mistake_is_a_line_and_the_exit_code_is_1(
    case: str,
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(entry, "gatewayctl", _raising(error))

    with pytest.raises(SystemExit) as ended:
        entry.main()

    assert (ended.value.code, capsys.readouterr().err) == (1, said), case


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "gatewayctl", _raising(ExceptionGroup("", [FORBIDDEN, ZeroDivisionError()])))

    with pytest.raises(ExceptionGroup):
        entry.main()


def _raising(error: Exception) -> object:
    def command() -> None:
        raise error

    return command
