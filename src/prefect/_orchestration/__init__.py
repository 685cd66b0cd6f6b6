from __future__ import annotations
from typing import NamedTuple, Any
from prefect._base.ids import new_id
class Transition(NamedTuple):
    run: Any; proposed: Any; now: int; force: bool=False; attempt: Any=None
class Accept(NamedTuple):
    changes: Any
class Reject(NamedTuple):
    changes: Any; reason: Any=None
class Wait(NamedTuple):
    delay_seconds: float; reason: Any=None
class Abort(NamedTuple):
    reason: Any
T={"COMPLETED","FAILED","CANCELLED","CRASHED"}
def decide(t):
    r,p=t.run,t.proposed
    if p.type=="RUNNING" and r.state.type=="SCHEDULED" and (r.state.details or {}).get("scheduled_time",0)>t.now:
        return Wait((r.state.details["scheduled_time"]-t.now)/1e6)
    if p.type=="FAILED" and r.run_count<=(r.policy.get("retries") or 0) and r.state.type=="RUNNING" and r.run_count:
        p=p._replace(type="SCHEDULED",name="AwaitingRetry",details={"scheduled_time":t.now+int((r.policy.get("retry_delay") or 0)*1e6)})
        return Reject({"state":p},"retry")
    c={"state":p}
    if p.type=="RUNNING":
        c["run_count"]=r.run_count+1
        c["start_time"]=r.start_time or t.now
    if p.type in T: c["end_time"]=t.now; c["start_time"]=r.start_time or t.now
    return Accept(c)
def open_attempt(run,now):
    from prefect.model.records import StateRecord
    return {"state":StateRecord(new_id(),"PENDING","Pending",now),"attempt":run.attempt+1,"end_time":None}
