"""Hardware counters with a fake library and a fake /sys, and on a machine that may have neither."""

import sys

import pytest

from truly_sparse.measure.counters import EVENTS, Counters


class FakePapi:
    """PAPI's low-level calls as the binding names them, for a processor that knows `events`."""

    def __init__(self, events=("PAPI_FP_OPS",), count=12345, fail=""):
        self.events, self.count, self.fail = events, count, fail
        self.sets, self.added, self.running = [], {}, set()

    def _may_fail(self, call):
        if call == self.fail:
            raise RuntimeError(f"A System/C library call failed.\n({call})")

    def library_init(self):
        self._may_fail("library_init")

    def create_eventset(self):
        self._may_fail("create_eventset")
        self.sets.append(len(self.sets) + 1)
        return self.sets[-1]

    def add_named_event(self, event_set, name):
        assert event_set in self.sets
        if name not in self.events:
            raise RuntimeError("Event does not exist. (PAPI_ENOEVNT)")
        self.added[event_set] = name

    def start(self, event_set):
        self._may_fail("start")
        assert event_set in self.added
        self.running.add(event_set)

    def stop(self, event_set):
        self._may_fail("stop")
        self.running.remove(event_set)
        return [self.count]

    def cleanup_eventset(self, event_set):
        self.added.pop(event_set, None)

    def destroy_eventset(self, event_set):
        assert event_set not in self.added
        self.sets.remove(event_set)


class FakeSys:
    """A powercap folder with packages (microjoules, range) and a clock."""

    def __init__(self, folder, packages):
        self.folder, self.now = folder, 0.0
        for i, (value, limit) in enumerate(packages):
            self.zone(f"intel-rapl:{i}", f"package-{i}", value, limit)

    def zone(self, zone, name, value, limit):
        path = self.folder / zone
        path.mkdir()
        (path / "name").write_text(f"{name}\n")
        (path / "max_energy_range_uj").write_text(f"{limit}\n")
        self.set(zone, value)

    def set(self, zone, value):
        (self.folder / zone / "energy_uj").write_text(f"{value}\n")

    def counters(self):
        return Counters(FakePapi(), self.folder, lambda: self.now)


def test_operations_are_those_of_the_first_event_known():
    for events, event in ((EVENTS, EVENTS[0]), (EVENTS[1:], EVENTS[1])):
        papi = FakePapi(events)
        with Counters(papi) as counters:
            assert counters.result()["hardware_note"] == "not available: still counting"
            assert len(papi.running) == 1
        found = counters.result()
        assert (found["hardware_operations"], found["hardware_event"]) == (12345, event)
        assert found["hardware_note"] is None
        assert papi.sets == []


@pytest.mark.parametrize(
    ("papi", "reason"),
    [
        (FakePapi(events=()), "Event does not exist. (PAPI_ENOEVNT)"),
        (FakePapi(count=0), "PAPI_FP_OPS counted 0"),
        (FakePapi(count=-1), "PAPI_FP_OPS counted -1"),
        *((FakePapi(fail=call), call) for call in ("library_init", "create_eventset", "start", "stop")),
    ],
)
def test_counters_that_fail_are_not_available_and_leave_nothing_behind(papi, reason):
    done = False
    with Counters(papi) as counters:
        done = True
    found = counters.result()
    assert done
    assert found["hardware_operations"] is found["hardware_event"] is None
    assert found["hardware_note"].startswith("not available: ")
    assert reason in found["hardware_note"]
    assert "\n" not in found["hardware_note"]
    assert papi.sets == []


def test_without_the_binding_it_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypapi", None)
    with Counters() as counters:
        pass
    assert counters.result()["hardware_note"] == "not available: python-papi is not installed"


def test_this_machine_gives_a_count_or_a_reason():
    with Counters() as counters:
        sum(0.5 * i for i in range(1000))
    found = counters.result()
    for value, note in (("hardware_operations", "hardware_note"), ("energy_joules", "energy_note")):
        assert (found[value] is None) == (found[note] is not None)
        assert found[value] is None or found[value] >= 0
        assert found[note] is None or found[note].startswith("not available: ")


def test_an_error_in_the_block_comes_through_and_counting_ends():
    papi = FakePapi()
    with pytest.raises(ZeroDivisionError), Counters(papi):
        raise ZeroDivisionError
    assert papi.sets == []


def test_energy_adds_packages_and_wraps(tmp_path):
    machine = FakeSys(tmp_path, [(1_000_000, 10_000_000_000), (9_999_000_000, 10_000_000_000)])
    machine.zone("intel-rapl:2", "psys", 0, 10_000_000_000)
    machine.zone("intel-rapl:0:0", "core", 0, 10_000_000_000)
    (tmp_path / "intel-rapl").mkdir()
    with machine.counters() as counters:
        machine.now = 5.0
        machine.set("intel-rapl:0", 31_000_000)
        machine.set("intel-rapl:1", 2_000_000)  # past the end: 1 J before it and 2 J after
        machine.set("intel-rapl:2", 7_000_000)
        machine.set("intel-rapl:0:0", 7_000_000)
        counters.update()
        machine.now = 9.0
        machine.set("intel-rapl:0", 32_500_000)
    found = counters.result()
    assert found["energy_joules"] == pytest.approx(30 + 3 + 1.5)
    assert found["energy_note"] is None


def test_a_meter_read_too_seldom_is_not_available(tmp_path):
    machine = FakeSys(tmp_path, [(0, 10_000_000_000)])  # 10 kJ: 10 s at 1 kW
    with machine.counters() as counters:
        machine.now = 9.0
        counters.update()
        assert counters.result()["energy_joules"] == 0
        machine.now = 20.0
    found = counters.result()
    assert found["energy_joules"] is None
    assert "11 s between two readings" in found["energy_note"]


@pytest.mark.parametrize("when", ["start", "end"])
def test_a_meter_that_cannot_be_read_is_not_available(tmp_path, when):
    machine = FakeSys(tmp_path, [(0, 10_000_000_000)])
    meter = tmp_path / "intel-rapl:0/energy_uj"
    if when == "start":
        meter.unlink()
    with machine.counters() as counters:
        if when == "end":
            meter.write_text("garbage")
    found = counters.result()
    assert found["energy_joules"] is None
    assert found["energy_note"].startswith("not available: ")


def test_without_a_meter_it_says_so(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with Counters(FakePapi(), folder) as counters:
            pass
        assert counters.result()["energy_note"] == "not available: no energy meter"
