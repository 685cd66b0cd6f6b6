"""What every store promises: transactions, statements that mean the same, versions, and several processes at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from conformance.store.rows import count, flow_run, log_line, task_run
from prefect._base.clock import VirtualClock, now_us, use_clock
from prefect._base.ids import new_id
from prefect._storage import clauses, flow_runs, logs, migrate, pruning, task_runs
from prefect._storage.table import EVERYTHING
from prefect.exceptions import StoreError


def add_flow(store, name):
    with store.write() as cx:
        return flow_runs.flow_id_of(cx, name, 1)


def flow_names(store):
    return {name for (name,) in store.rows("SELECT name FROM flow")}


def at_once(*functions):
    """Call them in threads that begin together; what they return, or the first error."""
    barrier = threading.Barrier(len(functions))

    def after_all(function):
        barrier.wait(20)
        return function()

    with ThreadPoolExecutor(len(functions)) as threads:
        return list(threads.map(after_all, functions))


# --- transactions -----------------------------------------------------------------------------------


class TestTransactions:
    def test_what_raises_leaves_nothing(self, store):
        with pytest.raises(ZeroDivisionError), store.write() as cx:
            flow_runs.flow_id_of(cx, "a-flow", 1)
            raise ZeroDivisionError
        assert flow_names(store) == set()
        add_flow(store, "the-next-one")
        assert flow_names(store) == {"the-next-one"}

    def test_a_nested_one_is_part_of_the_outer_one(self, store):
        with pytest.raises(ZeroDivisionError), store.write() as outer:
            with store.write() as inner:
                assert inner is outer
                flow_runs.flow_id_of(inner, "a-flow", 1)
            raise ZeroDivisionError
        assert flow_names(store) == set()

    def test_changes_of_several_threads_are_committed_together(self, store):
        names = {f"flow-{number}" for number in range(8)}
        committed, begun = [], threading.Barrier(len(names) + 1)

        def change(name):
            def work(cx):
                committed.append(len(flow_names(store)))  # a reader sees no transaction that is open
                flow_runs.flow_id_of(cx, name, 1)

            begun.wait(20)
            store.together(work)

        with ThreadPoolExecutor(len(names)) as threads:
            with store.locked():
                done = [threads.submit(change, name) for name in names]
                begun.wait(20)
            for one in done:
                one.result(20)
        assert flow_names(store) == names
        assert len(committed) == len(names)

    def test_one_that_fails_takes_no_other_with_it(self, store):
        def change(name):
            def work(cx):
                made = flow_runs.flow_id_of(cx, name, 1)
                if name == "wrong":
                    raise ZeroDivisionError
                return made

            return work

        def outcome(name):
            try:
                return store.together(change(name))
            except ZeroDivisionError:
                return None

        names = ["a", "b", "wrong", "c"]
        made = dict(zip(names, at_once(*(lambda name=name: outcome(name) for name in names)), strict=True))
        assert {name: id for id, name in store.rows("SELECT id, name FROM flow")} == {
            name: id for name, id in made.items() if id is not None
        }
        assert made["wrong"] is None
        assert flow_names(store) == {"a", "b", "c"}

    def test_readers_see_it_once_it_is_committed(self, opened):
        store, other = opened(), opened()
        with store.write() as cx:
            flow_runs.flow_id_of(cx, "a-flow", 1)
            assert cx.rows("SELECT name FROM flow") == [("a-flow",)]
            assert cx.row("SELECT name FROM flow WHERE name = ?", ("none",)) is None
            assert flow_names(store) == flow_names(other) == set()
        assert flow_names(store) == flow_names(other) == {"a-flow"}

    def test_a_statement_that_fails_is_a_store_error_and_keeps_nothing(self, store):
        insert = "INSERT INTO flow (id, name, created) VALUES (?,?,?)"
        with pytest.raises(StoreError, match="(?i)unique"), store.write() as cx:
            cx.execute(insert, (new_id(), "a-flow", 1))
            cx.execute(insert, (new_id(), "a-flow", 1))
        assert flow_names(store) == set()

    def test_threads_take_turns(self, store):
        def add(n):
            for m in range(10):
                add_flow(store, f"flow-{n}-{m}")
                assert f"flow-{n}-{m}" in flow_names(store)

        at_once(*(lambda n=n: add(n) for n in range(6)))
        assert count(store, "flow") == 60

    def test_others_notice_that_something_was_written(self, opened):
        store, other = opened(), opened()
        before = other.changed_elsewhere()
        assert other.changed_elsewhere() == before
        add_flow(store, "a-flow")
        after = other.changed_elsewhere()
        assert after != before
        assert other.changed_elsewhere() == after


# --- statements -------------------------------------------------------------------------------------


class TestStatements:
    @pytest.mark.parametrize(
        "text", ["", "it's", 'a "quote"', "100 % ? %s", "naïve 雪 🎈", "line\nline", "\\", "null"]
    )
    def test_text_comes_back_as_it_was(self, store, text):
        add_flow(store, text)
        assert store.rows("SELECT name FROM flow WHERE name = ?", (text,)) == [(text,)]

    def test_a_nul_in_a_log_line_does_not_stop_the_others(self, store):
        line = log_line(None, now_us())
        with store.write() as cx:
            logs.insert(cx, [line._replace(message="a\x00b", id=new_id()), line])
        first, second = (found.message for found in logs.find(store, []))
        assert {first, second} <= {"a\x00b", "a\ufffdb", "a message"}

    def test_marks_in_what_is_quoted_are_no_placeholders(self, store):
        sql = (
            "SELECT 'a ? % ''?''', \"name\" FROM flow -- why? 100 %\nWHERE name LIKE '%low%' AND created = ?"
        )
        add_flow(store, "flow?")
        assert store.rows(sql, (1,)) == [("a ? % '?'", "flow?")]

    def test_numbers_and_bytes_come_back_as_they_were(self, store):
        key, largest = bytes(range(256))[:16], 2**63 - 1
        with store.write() as cx:
            cx.execute("INSERT INTO flow (id, name, created) VALUES (?,?,?)", (key, "x", largest))
            cx.execute("UPDATE flow SET created = ? WHERE id = ?", (-largest, key))
        assert store.rows("SELECT id, created FROM flow") == [(key, -largest)]

    def test_truth_is_one(self, store):
        with store.write() as cx:
            flow_runs.flow_id_of(cx, "x", True)
        assert store.row("SELECT created, created = ? FROM flow", (True,)) == (1, 1)

    def test_a_sum_is_a_number_of_python(self, store):
        for n in range(3):
            with store.write() as cx:
                flow_runs.flow_id_of(cx, f"flow-{n}", n)
        total, mean = store.row("SELECT SUM(created), AVG(created) FROM flow")
        assert (total, type(total), mean) == (3, int, 1)
        assert store.row("SELECT COALESCE(SUM(created), 0) FROM flow WHERE name = ''") == (0,)

    def test_a_list_of_strings_is_searched(self, store):
        tags = ["a", 'b"b', "ü", "\\u0000", "c d"]
        with store.write() as cx:
            flow_runs.flow_id_of(cx, "x", 1)
            cx.execute("UPDATE flow SET tags = ?", (flow_runs.dumps(tags),))
        for tag, there in [*((tag, 1) for tag in tags[:3]), ("d", 0), ("A", 0), ("", 0)]:
            clause = clauses.has("tags", tag)
            assert count_where(store, clause) == there, tag
        assert count_where(store, clauses.tags("tags", "and_", ["a", "ü"], None)) == 1
        assert count_where(store, clauses.tags("tags", "and_", ["a", "z"], None)) == 0

    @pytest.mark.parametrize(
        ("part", "found"), [("FLOW", 1), ("100%", 1), ("_", 0), ("%f", 0), ("\\", 0), ("", 1)]
    )
    def test_a_part_of_a_text_is_searched_in_any_case(self, store, part, found):
        add_flow(store, "my-Flow-100%")
        assert count_where(store, clauses.contains("name", part)) == found

    def test_everything_is_a_limit(self, store):
        add_flow(store, "x")
        assert store.rows("SELECT name FROM flow LIMIT ? OFFSET ?", (EVERYTHING, 0)) == [("x",)]

    def test_a_statement_says_how_much_it_changed(self, store):
        with store.write() as cx:
            for n in range(3):
                flow_runs.flow_id_of(cx, f"flow-{n}", n)
            changed = cx.execute("UPDATE flow SET created = 9 WHERE created > ?", (0,))
            found = cx.execute("SELECT name FROM flow ORDER BY name")
            assert changed.rowcount == 2
            assert found.fetchone() == ("flow-0",)
            assert list(found) == [("flow-1",), ("flow-2",)]
            assert found.fetchall() == []


def count_where(store, clause):
    return store.row(f"SELECT COUNT(*) FROM flow WHERE {clause.sql}", clause.values)[0]


# --- many rows --------------------------------------------------------------------------------------


class TestManyRows:
    @pytest.mark.parametrize("size", [1, 3, 64, 65, 1025])
    def test_all_are_written_and_again_changes_nothing(self, store, size):
        rows = [task_run(None, now_us() + n) for n in range(size)]
        for _ in range(2):
            with store.write() as cx:
                task_runs.upsert(cx, rows)
        assert sorted(task_runs.find(store)) == sorted(rows)

    def test_the_same_row_twice_in_a_batch_is_its_last_word(self, store):
        run = task_run(None, now_us(), "RUNNING")
        done = run._replace(state_type="COMPLETED", state_name="Completed")
        with store.write() as cx:
            task_runs.upsert(cx, [run, done, run])
        assert task_runs.find(store) == [done]

    def test_a_run_that_has_ended_is_not_changed_by_a_late_row(self, store):
        done = task_run(None, now_us())
        with store.write() as cx:
            task_runs.upsert(cx, [done])
        with store.write() as cx:
            task_runs.upsert(cx, [done._replace(state_type="RUNNING", state_name="Running")])
        assert task_runs.find(store) == [done]


# --- the schema -------------------------------------------------------------------------------------


@pytest.mark.usefixtures("new_url")
class TestSchema:
    def test_an_empty_store_is_brought_to_the_newest_version(self, store):
        assert store.version() == migrate.newest()
        assert {"flow", "flow_run", "task_run", "log", "process", "meta"} <= set(store.tables())
        assert migrate.TABLE not in store.tables()

    def test_an_upgrade_is_applied_once(self, opened):
        store = opened(any_version=True)
        assert store.version() == 0
        assert [step.version for step in store.upgrade()] == [step.version for step in migrate.migrations()]
        assert store.upgrade() == []

    def test_without_migration_on_start_an_old_one_is_refused_and_left_alone(self, opened):
        with pytest.raises(StoreError, match="schema version 0.*prefect database upgrade"):
            opened(migrate_on_start=False)
        assert opened(any_version=True).version() == 0

    def test_ten_that_start_at_once_make_the_tables_once(self, opened):
        stores = at_once(*[opened] * 10)
        assert {store.version() for store in stores} == {migrate.newest()}

    def test_the_present_version_needs_no_upgrade(self, store, opened):
        add_flow(store, "precious")
        assert flow_names(opened(migrate_on_start=False)) == {"precious"}

    def test_how_large_it_is(self, store):
        before = store.size().total
        with store.write() as cx:
            for _ in range(5):
                flow_run(cx, task_count=400)
        assert store.size().total + store.size().wal > before > 0
        assert store.database().startswith(("SQLite 3.", "PostgreSQL "))
        store.vacuum()
        assert count(store, "task_run") == 2000


# --- several processes ------------------------------------------------------------------------------


class TestSeveralProcesses:
    def test_a_new_flow_is_made_once(self, opened):
        stores = [opened() for _ in range(4)]
        made = at_once(*(lambda store=store: add_flow(store, "a-flow") for store in stores))
        assert len(set(made)) == 1
        assert count(stores[0], "flow") == 1

    def test_a_run_of_an_idempotency_key_is_made_once(self, opened):
        stores = [opened() for _ in range(4)]
        with stores[0].write() as cx:
            first = flow_run(cx)

        def insert(store):
            run = first._replace(id=new_id(), idempotency_key="the-key")
            with store.write() as cx:
                made = flow_runs.insert(cx, run, [run.state])
                found = flow_runs.with_key(cx, run.flow_id, "the-key")
                return made, found.id, found.id == run.id

        answers = at_once(*(lambda store=store: insert(store) for store in stores))
        assert [made for made, _, mine in answers if made != mine] == []
        assert sum(made for made, _, _ in answers) == 1
        assert len({found for _, found, _ in answers}) == 1
        assert count(stores[0], "flow_run_state") == 2

    def test_what_is_decided_by_a_row_holds_until_it_is_written(self, opened):
        """Both read the number, add one and write it: none is lost."""
        stores = [opened() for _ in range(2)]
        with stores[0].write() as cx:
            run = flow_run(cx)

        def add(store):
            for _ in range(20):
                with store.write() as cx:
                    found = flow_runs.read(cx, run.id)
                    flow_runs.update(cx, run.id, {"run_count": found.run_count + 1})

        at_once(*(lambda store=store: add(store) for store in stores))
        assert flow_runs.find(stores[0])[0].run_count == 40

    def test_an_old_tree_is_found_by_its_root(self, store):
        with store.write() as cx:
            root = flow_run(cx, age_days=40)
            child = flow_run(cx, age_days=39, parent=root)
            assert pruning.ended_trees(cx, now_us(), 10) == [child.id, root.id]


class TestLeading:
    def test_one_leads_until_it_ends(self, opened):
        first, second = opened(), opened()
        assert [first.leads("scheduler"), second.leads("scheduler"), first.leads("scheduler")] == [
            True,
            False,
            True,
        ]
        assert second.leads("something-else")
        first.close()
        assert second.leads("scheduler")

    def test_of_many_that_ask_at_once_one_leads(self, opened):
        stores = [opened() for _ in range(5)]
        assert sum(at_once(*(lambda store=store: store.leads("scheduler") for store in stores))) == 1


class TestWakingUp:
    def test_a_listener_hears_what_is_said_after_it_was_made(self, opened):
        store, other = opened(), opened()
        store.notify("work", "too early")
        listener = other.listen("work")
        assert listener.wait(0) is None
        store.notify("play", "not for us")
        store.notify("work", "flow-run é")
        assert listener.wait(20) == "flow-run é"
        assert listener.wait(0) is None
        listener.close()

    def test_several_come_as_the_last_one(self, opened):
        store = opened()
        listener = store.listen("work")
        for n in range(3):
            store.notify("work", str(n))
        heard = listener.wait(20)
        while heard != "2":
            heard = listener.wait(20)
        assert listener.wait(0) is None
        listener.close()

    def test_what_is_not_committed_wakes_nobody(self, opened):
        store, other = opened(), opened()
        listener = other.listen("work")
        with pytest.raises(ZeroDivisionError), store.write():
            store.notify("work")
            raise ZeroDivisionError
        assert listener.wait(0.2) is None
        with store.write():
            store.notify("work", "now")
            assert listener.wait(0) is None
        assert listener.wait(20) == "now"
        listener.close()

    def test_who_waits_is_woken_and_let_go(self, opened):
        store, other = opened(), opened()
        listener = other.listen("work")
        with ThreadPoolExecutor(1) as thread:
            waiting = thread.submit(listener.wait, 60)
            store.notify("work", "up")
            assert waiting.result(20) == "up"
            waiting = thread.submit(listener.wait, 60)
            listener.close()
            assert waiting.result(20) is None


def test_a_lease_that_nobody_asks_for_is_anybodys(tmp_path):
    """In a SQLite file, where a leader may die without anybody noticing."""
    from prefect._storage.sqlite import SqliteStore

    stores = [SqliteStore(str(tmp_path / "store.db")) for _ in range(2)]
    first, second = stores
    with use_clock(VirtualClock()) as clock:
        assert first.leads("scheduler")
        clock.advance(20)
        assert first.leads("scheduler")  # renewed
        clock.advance(20)
        assert not second.leads("scheduler")
        clock.advance(20)
        assert second.leads("scheduler")
        assert not first.leads("scheduler")
    for store in stores:
        store.close()
