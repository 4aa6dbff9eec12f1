"""What the hardware itself counts, where it lets us: floating-point operations (PAPI) and energy (RAPL)."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from truly_sparse.errors import one_line

# All floating-point operations, else those of single precision; a vector of n counts n, a fused multiply-add two.
EVENTS = ("PAPI_FP_OPS", "PAPI_SP_OPS")
POWERCAP = Path("/sys/class/powercap")
# No processor package draws more, so a meter that is read within range / MOST_WATTS has wrapped at most once.
MOST_WATTS = 1000.0


class Counters:
    """Count the floating-point operations and the energy of what runs inside the `with` block.

    What the machine does not offer is None with a reason, never zero and never an estimate; failing counters never
    stop the block.

    Parameters
    ----------
    papi : module, optional
        Used in place of `pypapi.papi_low` (optional dependency `papi`), which is imported on entry.
    powercap : Path
        Folder of the energy meters, which are Intel's by name and AMD's as well.
    clock : callable
        Seconds on a steady clock.

    Notes
    -----
    Operations are those of the calling thread, counted as the hardware does: a fused multiply-add is two, where
    `flops.operations` counts one. Energy is that of all processor packages, whoever else used them meanwhile,
    without memory.
    """

    def __init__(
        self, papi: Any = None, powercap: Path = POWERCAP, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._operations = _Operations(papi)
        self._energy = _Energy(powercap, clock)

    def __enter__(self) -> "Counters":
        self._energy.start()
        self._operations.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._operations.stop()
        self._energy.update()

    def update(self) -> None:
        """Read the energy meters, which start again from zero after minutes; call it in long blocks, say each epoch."""
        self._energy.update()

    def result(self) -> dict[str, Any]:
        """Return what was counted; complete after the block.

        Returns
        -------
        dict
            `hardware_operations` (int or None), `hardware_event` (PAPI's name or None), `energy_joules` (float or
            None), and `hardware_note`, `energy_note` (None, or "not available: ..." with the reason).
        """
        operations, energy = self._operations, self._energy
        return {
            "hardware_operations": operations.count,
            "hardware_event": None if operations.count is None else operations.event,
            "hardware_note": operations.note,
            "energy_joules": energy.joules,
            "energy_note": energy.note,
        }


def _because(reason: object) -> str:
    return "not available: " + one_line(reason)


class _Operations:
    """The first of `EVENTS` that the processor counts."""

    def __init__(self, papi: Any) -> None:
        self.papi = papi
        self.event: str | None = None
        self.count: int | None = None
        self.note: str | None = _because("not started")
        self._set: int | None = None

    def start(self) -> None:
        self.event = self.count = self._set = None
        try:
            if self.papi is None:
                from pypapi import papi_low

                self.papi = papi_low
            self.papi.library_init()
            self._set = self.papi.create_eventset()
            self.event = self._first_event()
            self.papi.start(self._set)
            self.note = _because("still counting")
        except ImportError:
            self.note = _because("python-papi is not installed")
        except Exception as error:  # Whatever a binding or its C library raises, a run goes on without counters.
            self.note = _because(error)
            self._release()

    def _first_event(self) -> str:
        for event in EVENTS[:-1]:
            try:
                self.papi.add_named_event(self._set, event)
                return event
            except Exception:  # Only the last event's reason is worth telling.
                continue
        self.papi.add_named_event(self._set, EVENTS[-1])
        return EVENTS[-1]

    def stop(self) -> None:
        if self._set is None:
            return
        try:
            (count,) = self.papi.stop(self._set)
            self.count = int(count) if count > 0 else None
            self.note = None if count > 0 else _because(f"{self.event} counted {count}")
        except Exception as error:
            self.note = _because(error)
        self._release()

    def _release(self) -> None:
        event_set, self._set = self._set, None
        if event_set is not None:
            try:
                self.papi.cleanup_eventset(event_set)
                self.papi.destroy_eventset(event_set)
            except Exception:  # Nothing to be done, and the count is already read.
                return


class _Meter(NamedTuple):
    """One processor package: where its microjoules stand, and after how many they start again from zero."""

    path: Path
    limit: int

    def read(self) -> int:
        return int(self.path.read_text())


class _Energy:
    """Microjoules of all packages, added up between readings."""

    def __init__(self, powercap: Path, clock: Callable[[], float]) -> None:
        self.powercap, self.clock = powercap, clock
        self.joules: float | None = None
        self.note: str | None = _because("not started")
        self._meters: list[_Meter] = []

    def start(self) -> None:
        self.joules, self._meters = None, []
        try:
            # Packages only: parts of a package (a second number) and the whole platform (psys) would count twice.
            zones = [zone for zone in self.powercap.glob("intel-rapl:*") if zone.name.count(":") == 1]
            for zone in sorted(zones):
                if (zone / "name").read_text().startswith("package"):
                    limit = int((zone / "max_energy_range_uj").read_text())
                    self._meters.append(_Meter(zone / "energy_uj", limit))
            self._last = [meter.read() for meter in self._meters]
        except (OSError, ValueError) as error:
            self._give_up(getattr(error, "strerror", None) or error)
            return
        self._at = self.clock()
        self.joules, self.note = (0.0, None) if self._meters else (None, _because("no energy meter"))

    def update(self) -> None:
        if not self._meters or self.joules is None:
            return
        now = self.clock()
        if any((now - self._at) * MOST_WATTS * 1e6 > meter.limit for meter in self._meters):
            self._give_up(f"{now - self._at:.0f} s between two readings, in which a meter may wrap twice")
            return
        try:
            values = [meter.read() for meter in self._meters]
        except (OSError, ValueError) as error:
            self._give_up(getattr(error, "strerror", None) or error)
            return
        for meter, before, after in zip(self._meters, self._last, values, strict=True):
            self.joules += (after - before + (meter.limit if after < before else 0)) / 1e6
        self._last, self._at = values, now

    def _give_up(self, reason: object) -> None:
        self.joules, self._meters, self.note = None, [], _because(reason)
