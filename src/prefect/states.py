"""Stand-in until the whole is merged: constructors and the reader of results."""
from __future__ import annotations
import datetime
from typing import Any
from prefect.exceptions import CancelledRun, CrashedRun, FailedRun, MissingResult, PausedRun, UnfinishedRun
from prefect.model import state as _state
from prefect.model.outcome import StateGroup, is_state, is_state_iterable
from prefect.model.state import State, StateDetails, StateType, read_result
from prefect._base.clock import now

def _make(t, name=None):
    def make(cls=State, **kw):
        if name: kw.setdefault("name", name)
        return cls(type=t, **kw)
    return make
Completed=_make(StateType.COMPLETED); Running=_make(StateType.RUNNING); Failed=_make(StateType.FAILED)
Crashed=_make(StateType.CRASHED); Cancelling=_make(StateType.CANCELLING); Cancelled=_make(StateType.CANCELLED)
Pending=_make(StateType.PENDING); Retrying=_make(StateType.RUNNING,"Retrying")
def Scheduled(cls=State, scheduled_time=None, **kw):
    d=kw.pop("state_details",None) or StateDetails(); d.scheduled_time=scheduled_time or now()
    return cls(type=StateType.SCHEDULED,state_details=d,**kw)
def AwaitingRetry(cls=State, scheduled_time=None, **kw): return Scheduled(cls,scheduled_time,name="AwaitingRetry",**kw)
def Late(cls=State, scheduled_time=None, **kw): return Scheduled(cls,scheduled_time,name="Late",**kw)
def Paused(cls=State, timeout_seconds=None, pause_expiration_time=None, reschedule=False, pause_key=None, **kw):
    d=kw.pop("state_details",None) or StateDetails(); d.pause_reschedule=reschedule; d.pause_key=pause_key
    d.pause_timeout=pause_expiration_time or (now()+datetime.timedelta(seconds=timeout_seconds) if timeout_seconds else None)
    return cls(type=StateType.PAUSED,state_details=d,**kw)
def Suspended(cls=State, **kw): return Paused(cls,name="Suspended",reschedule=True,**kw)

def get_state_exception(s):
    if s.is_failed(): wrap,default=FailedRun,"Run failed."
    elif s.is_crashed(): wrap,default=CrashedRun,"Run crashed."
    elif s.is_cancelled(): wrap,default=CancelledRun,"Run cancelled."
    else: raise ValueError(f"Expected failed or crashed state got {s!r}.")
    r=s.data
    if r is None: return wrap(s.message or default)
    if isinstance(r,BaseException): return r
    if isinstance(r,str): return wrap(r)
    if is_state(r): return get_state_exception(r)
    if is_state_iterable(r):
        for one in r:
            if one.is_failed() or one.is_crashed() or one.is_cancelled(): return get_state_exception(one)
        raise ValueError("Failed state result was an iterable of states but none were failed.")
    raise TypeError(f"Unexpected result for failed state: {r!r} —— {type(r).__name__} cannot be resolved into an exception")
def raise_state_exception(s):
    if s.is_failed() or s.is_crashed() or s.is_cancelled(): raise get_state_exception(s)
def _read(s, raise_on_failure, retry):
    if s.is_paused(): raise PausedRun("Run is paused, its result is not available.",state=s)
    if not s.is_final(): raise UnfinishedRun(f"Run is in {s.type.name} state, its result is not available.")
    if raise_on_failure: raise_state_exception(s)
    if s.is_failed() or s.is_crashed() or s.is_cancelled(): return get_state_exception(s)
    return s.data
async def _aread(s,a,b): return _read(s,a,b)
_state.register_result_reader(_read,_aread)
from prefect._base.current import wants_awaitable
_state.register_await_rule(wants_awaitable)
