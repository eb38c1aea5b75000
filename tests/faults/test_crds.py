"""CRDs that come late, are missing or go while the daemon runs: it works with what there is."""

from pathlib import Path

from gateway_components.kube.state_format import STATE_SECRET
from lab import ControlPlane, wait_until
from tests.daemon.conftest import DEPLOY
from tests.daemon.crds import CRDS, crd_names, install_crds, remove_crds
from tests.daemon.harness import SECONDS, Daemon, Namespace
from tests.daemon.manifests import gateway, guard, provider, tool_gateway, tool_route
from tests.faults.truth import assert_true

GUARDS = "guards.runtime.agentic-layer.ai"
TOOL_CLASSES = "toolgatewayclasses.runtime.agentic-layer.ai"


def test_crds_that_come_late_go_and_come_again(bare_lab: ControlPlane, tmp_path: Path) -> None:
    bare_lab.kubectl("create", "namespace", "late")
    place = Namespace(bare_lab, "late")
    with Daemon(bare_lab, tmp_path) as daemon:
        daemon.wait_for("no such resource", resource="guards")
        install_crds(bare_lab)
        remove_crds(bare_lab, GUARDS)
        bare_lab.kubectl("apply", "-f", str(DEPLOY / "classes"))

        # One kind is missing: all else works, and what refers to it says so.
        place.apply(provider("presidio"), gateway("plain"), gateway("guarded", guardrails=[{"name": "pii"}]))
        place.wait_ready("plain")
        place.wait_reason("guarded", "GuardrailsResolutionFailed", contains="pii")
        assert_true(bare_lab, [place.name])

        # It comes, and is noticed soon.
        install_crds(bare_lab)
        place.apply(guard("pii", "presidio"), tool_gateway("tools"), tool_route("route", "tools"))
        place.wait_ready("guarded")
        place.wait_route("route", "Reconciled")
        assert_true(bare_lab, [place.name])

        # All go at once, and with them all gateways. The garbage collector cannot look for owners of a kind that
        # does not exist, so their objects go now, or once the CRDs are there again.
        missing = len(daemon.events("no such resource"))
        remove_crds(bare_lab, *crd_names(bare_lab))
        wait_until(
            lambda: len(daemon.events("no such resource")) >= missing + len(list(CRDS.iterdir())),
            timeout=SECONDS,
            what="every kind missing",
        )
        wait_until(lambda: not place.get("Secret", STATE_SECRET), timeout=SECONDS, what="no state of nothing")

        # They come again, and with them gateways of the same names.
        install_crds(bare_lab)
        bare_lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
        place.apply(gateway("plain", "again"), gateway("guarded"), tool_gateway("tools"))
        place.apply(tool_route("route", "tools"))
        place.wait_config("plain", "openai/again")
        place.wait_route("route", "Reconciled")
        assert_true(bare_lab, [place.name])

        assert daemon.process.poll() is None
        assert not daemon.events("internal error")
        assert "Traceback" not in daemon.text()


def test_without_the_crd_of_classes_gateways_are_left_alone(bare_lab: ControlPlane, tmp_path: Path) -> None:
    bare_lab.kubectl("create", "namespace", "classless")
    place = Namespace(bare_lab, "classless")
    install_crds(bare_lab)
    bare_lab.kubectl("apply", "-f", str(DEPLOY / "classes"))
    with Daemon(bare_lab, tmp_path / "first") as daemon:
        daemon.wait_for("watching")
        place.apply(tool_gateway("tools"), tool_route("route", "tools"))
        place.wait_route("route", "Reconciled")

        remove_crds(bare_lab, TOOL_CLASSES)
        daemon.wait_for("gateways kept", missing_class="litellm")
        daemon.wait_for("no such resource", resource="toolgatewayclasses")
        _assert_untouched(place, daemon)

    with Daemon(bare_lab, tmp_path / "second") as daemon:
        # One that never saw the class knows as little.
        daemon.wait_for("gateways kept", missing_class="litellm")
        _assert_untouched(place, daemon)

        # The kind comes again without the class, and so its absence is certain.
        install_crds(bare_lab)
        daemon.wait_for("released", gateway=f"ToolGateway {place.name}/tools")
        place.wait_route("route", "GatewayNotFound")


def _assert_untouched(place: Namespace, daemon: Daemon) -> None:
    # Once this one is applied, a reconcile has looked at the others as well.
    place.apply(gateway("other", f"model-{daemon.process.pid}"))
    place.wait_config("other", f"openai/model-{daemon.process.pid}")
    assert not daemon.events("released")
    assert place.url("ToolGateway", "tools")
    assert place.url("ToolRoute", "route")
    assert place.get("Secret", STATE_SECRET)
