"""The policies of schedules: what becomes of a slot that was missed, and of one that comes while another still runs."""

from __future__ import annotations

from typing import Final

from prefect._orchestration.transition import SlotFacts, Transition, new_state

WAITING: Final = "AwaitingConcurrencySlot"
MISSED_US: Final = 60_000_000  # a run that starts up to a minute late was not missed

WAIT_US: Final = 30_000_000


def catch_up(t: Transition) -> Transition | None:
    """Ours: whether a run that nobody took up in time is still wanted."""
    facts = _first_time(t)
    if facts is None or t.run.state.name == WAITING:  # somebody was there, and let it wait
        return None
    if facts.catch_up == "skip" and facts.slot < t.now - MISSED_US:
        return _skipped(t, "Nobody was there at its time, and its schedule skips what was missed.")
    if facts.catch_up == "latest" and facts.newer_is_due():
        return _skipped(
            t, "A later slot is due as well, and its schedule runs only the latest of those missed."
        )
    return None  # "all", and no policy: it runs, however late


def overlap(t: Transition) -> Transition | None:
    """Ours: whether a run may start while another one of its schedule has not ended."""
    facts = _first_time(t)
    if facts is None or facts.overlap is None:
        return None
    other = facts.sibling(waiting=facts.overlap != "skip")
    if other is None:
        return None
    still = f"Flow run '{other.name}' of the same schedule is still {other.state_name}"
    if facts.overlap == "skip":
        return _skipped(t, f"{still}, and the schedule skips what overlaps.")
    if facts.overlap == "cancel_old":
        return _waiting(t, f"{still}: it is being cancelled.")._replace(cancels=other.id)
    return _waiting(t, f"{still}: it ends first.")


def _first_time(t: Transition) -> SlotFacts | None:
    """The schedule of a run that is taken up for the first time."""
    if (t.source, t.target) != ("SCHEDULED", "PENDING") or not t.run.auto_scheduled or t.run.run_count:
        return None
    return t.facts.schedule()


def _skipped(t: Transition, reason: str) -> Transition:
    return t.redirect(new_state("CANCELLED", "Skipped", t.proposed.timestamp, reason), reason)


def _waiting(t: Transition, reason: str) -> Transition:
    later = t.now + WAIT_US  # or when that one ends, if the store sees it
    return t.redirect(
        new_state("SCHEDULED", WAITING, t.proposed.timestamp, reason, scheduled_time=later), reason
    )
