"""A daemon whose settings file changes, as a mounted ConfigMap does."""

from pathlib import Path

from gateway_components.daemon.exit import Exit
from tests.daemon.harness import Daemon, Namespace, alone, gateway
from tests.daemon.mount import mount


def test_a_running_daemon_takes_good_settings_and_refuses_bad_ones(place: Namespace, tmp_path: Path) -> None:
    folder = tmp_path / "mount"
    file = mount(folder, "workers: 1\nlog_format: json\n")
    options = ("--settings", str(file), "--engine-seconds", "200")
    with Daemon(place.lab, tmp_path / "daemon", *options, *alone(place), log_level=None) as daemon:
        daemon.wait_for("watching")
        assert daemon.events("starting")[0]["workers"] == 1

        mount(
            folder,
            "workers: 2\nbatch_seconds: 0.1\nengine_seconds: 5\nlog_level: warning\nlog_format: json\n",
        )
        changed = daemon.wait_for("settings changed")["changed"]
        assert changed == {"workers": 2, "batch_seconds": 0.1, "log_level": "warning"}, (
            "the command line wins"
        )
        place.apply(gateway("quiet"))
        place.wait_ready("quiet")
        assert not daemon.events("engine ran"), "what is worth no line now has none"

        mount(folder, "workers: 2\nbatch_second: 0.1\n")
        refused = daemon.wait_for("settings refused")
        assert (refused["file"], refused["line"], refused["field"]) == (str(file), 2, "batch_second")
        assert refused["cure"] == "Did you mean batch_seconds? The old settings hold."

        mount(folder, "workers: 2\nhttp_port: 8080\nlog_format: json\n")
        assert daemon.wait_for("settings need a restart")["fields"] == ["http_port"]
        assert daemon.events("settings changed")[-1]["changed"] == {"batch_seconds": 0.2, "log_level": "info"}

        place.apply(gateway("told"))
        place.wait_ready("told")
        assert daemon.events("engine ran")
        assert daemon.stop() == Exit.STOPPED
