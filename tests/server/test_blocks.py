"""Blocks: their types, schemas and documents over HTTP, and `Block.save` and `load` on the same store."""

from __future__ import annotations

from typing import Optional
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr, ValidationError

from prefect._api.actor import Actor
from prefect._api.api import Api
from prefect._api.block_data import masked
from prefect._api.block_documents import read_block_document_by_id
from prefect.blocks.core import Block
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import (
    BlockDocumentCreate,
    BlockDocumentUpdate,
    BlockSchemaCreate,
    BlockTypeCreate,
    BlockTypeUpdate,
)
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.filesystems import LocalFileSystem, WritableFileSystem
from prefect.model.blocks import checksum_of
from prefect.settings import PREFECT_API_URL, temporary_settings

FIELDS = {
    "title": "MyThing",
    "type": "object",
    "properties": {
        "x": {"title": "X", "type": "integer"},
        "pw": {"title": "Pw", "type": "string", "format": "password", "writeOnly": True},
    },
    "required": ["x"],
    "block_type_slug": "my-thing",
    "secret_fields": ["pw"],
    "block_schema_references": {},
}


@pytest.mark.parametrize(
    ("fields", "checksum"),
    [
        ({}, "f8e6e96abbc38504d4e9c99fc57281fa0026bede1fa42db79f22f984501710f4"),
        (FIELDS, "4c8fdb1334ca0a29fb998d07b56ac5d61a899054efae3f7e3fba4d99b7275b1d"),
        (
            {"title": "A", "description": "é x", "definitions": {"Z": {"title": "Z"}}},
            "144cd7364b8f281d019b4350fbe9ec3fb7f422ea9ae3eadeae20a2926c9fdca0",
        ),
    ],
)
def test_checksums_are_those_that_other_clients_compute(fields, checksum):
    assert checksum_of(fields) == f"sha256:{checksum}"


def new_type(http, slug="my-thing", name=None, **more):
    answer = http.post("/block_types/", json={"name": name or slug, "slug": slug, **more})
    return answer.json() if answer.status_code == 201 else http.get(f"/block_types/slug/{slug}").json()


def new_schema(http, kind, fields=FIELDS, **more):
    return http.post("/block_schemas/", json={"fields": fields, "block_type_id": kind["id"], **more}).json()


def new_document(http, name, data, kind=None, schema=None, **more):
    kind = kind or new_type(http)
    schema = schema or new_schema(http, kind)
    body = {"name": name, "data": data, "block_schema_id": schema["id"], "block_type_id": kind["id"], **more}
    return http.post("/block_documents/", json=body)


def data_of(http, id, secrets=True):
    return http.get(f"/block_documents/{id}", params={"include_secrets": secrets}).json()["data"]


def test_a_type_is_made_read_changed_and_removed(http):
    kind = new_type(http, "thing", "Some Thing", logo_url="https://x.org/a.png", description="d")
    assert (kind["name"], kind["is_protected"], kind["logo_url"]) == (
        "Some Thing",
        False,
        "https://x.org/a.png",
    )
    again = http.post("/block_types/", json={"name": "Other", "slug": "thing"})
    assert (again.status_code, again.json()["detail"]) == (409, 'Block type with name "Other" already exists')
    assert http.post("/block_types/", json={"name": "Prefect X", "slug": "x"}).status_code == 403
    assert http.post("/block_types/", json={"name": "X", "slug": "Bad Slug"}).status_code == 422
    assert http.patch(f"/block_types/{kind['id']}", json={"description": "e"}).status_code == 204
    assert http.get("/block_types/slug/thing").json()["description"] == "e"
    asked = {"block_types": {"slug": {"any_": ["thing"]}, "name": {"like_": "some"}}}
    assert [one["id"] for one in http.post("/block_types/filter", json=asked).json()] == [kind["id"]]
    new_document(http, "gone-with-it", {}, kind, new_schema(http, kind, {"title": "Thing"}))
    assert http.delete(f"/block_types/{kind['id']}").status_code == 204
    gone = http.get("/block_types/slug/thing")
    assert (gone.status_code, gone.json()) == (404, {"detail": "Block type not found"})
    assert http.get("/block_types/slug/thing/block_documents").status_code == 404


def test_a_schema_is_recorded_once_for_each_version(http):
    kind = new_type(http)
    body = {"fields": FIELDS, "block_type_id": kind["id"], "capabilities": ["b", "a"]}
    first = http.post("/block_schemas/", json=body)
    again = http.post("/block_schemas/", json=body)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert first.json()["block_type"]["slug"] == "my-thing"
    newer = http.post("/block_schemas/", json={**body, "version": "2.0"})
    assert (newer.status_code, newer.json()["checksum"]) == (201, first.json()["checksum"])
    by_checksum = f"/block_schemas/checksum/{first.json()['checksum']}"
    assert http.get(by_checksum).json()["id"] == newer.json()["id"]
    assert http.get(by_checksum, params={"version": "non-versioned"}).json()["id"] == first.json()["id"]
    assert http.get("/block_schemas/checksum/sha256:no").json() == {"detail": "Block schema not found"}
    asked = {"block_schemas": {"block_type_id": {"any_": [kind["id"]]}, "version": {"any_": ["2.0"]}}}
    assert [one["id"] for one in http.post("/block_schemas/filter", json=asked).json()] == [
        newer.json()["id"]
    ]
    lost = http.post("/block_schemas/", json={**body, "block_type_id": str(uuid4())})
    assert lost.status_code == 404
    assert http.delete(f"/block_schemas/{newer.json()['id']}").status_code == 204
    assert http.get(f"/block_schemas/{newer.json()['id']}").status_code == 404


def test_a_document_is_made_read_changed_and_removed(http):
    made = new_document(http, "one", {"x": 1, "pw": "hush"})
    assert made.status_code == 201
    one = made.json()
    assert one["data"] == {"x": 1, "pw": "********"}
    assert (one["block_type_name"], one["block_schema"]["checksum"]) == ("my-thing", checksum_of(FIELDS))
    assert data_of(http, one["id"], secrets=False) == {"x": 1, "pw": "********"}
    assert data_of(http, one["id"]) == {"x": 1, "pw": "hush"}
    by_name = "/block_types/slug/my-thing/block_documents/name/one"
    assert http.get(by_name).json()["id"] == one["id"]
    assert new_document(http, "one", {}).json() == {"detail": "Block already exists"}
    change = f"/block_documents/{one['id']}"
    assert http.patch(change, json={"data": {"x": 2, "pw": "********"}}).status_code == 204
    assert data_of(http, one["id"]) == {"x": 2, "pw": "hush"}  # what was hidden was not changed
    http.patch(change, json={"data": {"x": 3}, "merge_existing_data": False})
    assert data_of(http, one["id"]) == {"x": 3}
    assert http.delete(change).status_code == 204
    assert http.get(change).json() == {"detail": "Block document not found"}
    assert http.patch(change, json={}).status_code == http.delete(change).status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": "Bad_Name"}, 422),
        ({"name": None}, 422),
        ({"block_schema_id": str(uuid4())}, 409),
        ({"block_type_id": str(uuid4())}, 409),
        ({"data": {"x": {"$ref": {"block_document_id": str(uuid4())}}}}, 409),
        ({"data": {"x": {"$ref": {"block_document_id": "no id"}}}}, 422),
    ],
)
def test_what_cannot_be_is_refused(http, wrong, status):
    kind = new_type(http)
    schema = new_schema(http, kind)
    body = {"name": "wrong", "data": {}, "block_schema_id": schema["id"], "block_type_id": kind["id"]}
    assert http.post("/block_documents/", json={**body, **wrong}).status_code == status


def test_those_without_a_name_are_found_only_if_asked_for(http):
    made = new_document(http, None, {"x": 1}, is_anonymous=True).json()
    assert made["name"].startswith("anonymous-")
    named = new_document(http, "with-a-name", {"x": 2}).json()

    def ids(**asked):
        return {
            one["id"] for one in http.post("/block_documents/filter", json={"block_documents": asked}).json()
        }

    plain = {one["id"] for one in http.post("/block_documents/filter", json={}).json()}
    assert named["id"] in plain
    assert made["id"] not in plain
    assert ids(is_anonymous={"eq_": True}) == {made["id"]}
    assert ids(is_anonymous=None, id={"any_": [made["id"], named["id"]]}) == {made["id"], named["id"]}
    assert ids(name={"like_": "WITH-A"}) == {named["id"]}
    asked = {"block_types": {"slug": {"any_": ["my-thing"]}}, "sort": "NAME_DESC", "limit": 1}
    assert len(http.post("/block_documents/filter", json=asked).json()) == 1
    assert http.post("/block_documents/count", json={"block_types": {"slug": {"any_": ["none"]}}}).json() == 0


def test_a_block_within_a_block_is_shown_as_it_is_now(http):
    inner = new_document(http, "inner", {"x": 1, "pw": "deep"}).json()
    kind = new_type(http, "outer")
    schema = new_schema(
        http, kind, {"title": "Outer", "secret_fields": []}
    )  # says nothing of the inner secret
    refers = {"inner": {"$ref": {"block_document_id": inner["id"]}}, "plain": {"$ref": 1}}
    outer = new_document(http, "outer", refers, kind, schema).json()
    assert outer["data"] == {"inner": {"x": 1, "pw": "********"}, "plain": {"$ref": 1}}
    assert outer["block_document_references"]["inner"]["block_document"]["name"] == "inner"
    http.patch(f"/block_documents/{inner['id']}", json={"data": {"x": 9}})
    assert data_of(http, outer["id"])["inner"] == {"x": 9, "pw": "deep"}
    http.patch(
        f"/block_documents/{inner['id']}", json={"data": {"x": {"$ref": {"block_document_id": outer["id"]}}}}
    )
    assert data_of(http, outer["id"])["inner"] == {"pw": "deep"}  # in a circle there is nothing
    http.delete(f"/block_documents/{inner['id']}")
    assert data_of(http, outer["id"]) == {"plain": {"$ref": 1}}


@pytest.mark.parametrize(
    ("data", "paths", "shown"),
    [
        ({"a": "s", "b": 1}, ["a"], {"a": "********", "b": 1}),
        ({"a": None}, ["a"], {"a": None}),
        ({"a": {"b": "s", "c": {"d": "t"}}}, ["a.*"], {"a": {"b": "********", "c": {"d": "********"}}}),
        ({"a": {"k": "s"}}, ["a"], {"a": {"k": "********"}}),
        ({"many": [{"pw": "s", "x": 1}]}, ["many.pw"], {"many": [{"pw": "********", "x": 1}]}),
        ({"a": "s", "b": [1]}, ["*"], {"a": "********", "b": ["********"]}),
        ({"a": "s"}, ["a.b", "none"], {"a": "s"}),
    ],
)
def test_secrets_are_hidden_wherever_they_stand(data, paths, shown):
    assert masked(data, paths) == shown


@pytest.mark.parametrize(("role", "shown"), [("viewer", "********"), ("operator", "hush"), ("admin", "hush")])
def test_who_may_only_look_sees_no_secrets(http, backend, role, shown):
    made = new_document(http, f"for-{role}", {"x": 1, "pw": "hush"}).json()
    api = Api(backend, Actor("somebody", role))
    assert read_block_document_by_id(api, UUID(made["id"]), include_secrets=True).data["pw"] == shown


def test_what_blocks_can_do_is_listed(http):
    new_schema(http, new_type(http, "able"), {"title": "Able"}, capabilities=["dance"])
    assert "dance" in http.get("/block_capabilities/").json()


def test_the_client_keeps_types_schemas_and_documents(client: SyncPrefectClient):
    kind = client.create_block_type(BlockTypeCreate(name="Of Client", slug="of-client"))
    client.update_block_type(kind.id, BlockTypeUpdate(description="d"))
    assert client.read_block_type_by_slug("of-client").description == "d"
    assert "of-client" in [one.slug for one in client.read_block_types()]
    schema = client.create_block_schema(
        BlockSchemaCreate(fields={**FIELDS, "title": "OfClient"}, block_type_id=kind.id)
    )
    assert client.read_block_schema_by_checksum(schema.checksum).id == schema.id
    assert client.get_most_recent_block_schema_for_block_type(kind.id).id == schema.id
    new = BlockDocumentCreate(name="one", data={"pw": "s"}, block_schema_id=schema.id, block_type_id=kind.id)
    one = client.create_block_document(new)
    assert one.data == {"pw": "s"}
    with pytest.raises(ObjectAlreadyExists):
        client.create_block_document(new)
    assert client.read_block_document(one.id, include_secrets=False).data == {"pw": "********"}
    client.update_block_document(one.id, BlockDocumentUpdate(data={"x": 1}))
    assert client.read_block_document_by_name("one", "of-client").data == {"x": 1, "pw": "s"}
    assert [d.id for d in client.read_block_documents("of-client")] == [one.id]
    assert [d.id for d in client.read_block_documents_by_type("of-client")] == [one.id]
    client.delete_block_document(one.id)
    with pytest.raises(ObjectNotFound):
        client.read_block_document(one.id)
    client.delete_block_type(kind.id)


class Credentials(Block):
    """Who somebody is."""

    user: str
    password: SecretStr = SecretStr("none")


class Connection(Block):
    """How to reach something."""

    _block_type_name = "Some Connection"
    _block_schema_capabilities = ["connect"]

    credentials: Credentials
    spare: Optional[Credentials] = None
    more: list[Credentials] = []
    store: Optional[WritableFileSystem] = None
    headers: dict[str, SecretStr] = {}


@pytest.fixture(params=["embedded", "over-http"])
def place(request):
    """Blocks are saved in the store of this process, then on a server."""
    if request.param == "embedded":
        yield request.param
        return
    with temporary_settings({PREFECT_API_URL: f"{request.getfixturevalue('server_url')}/api"}):
        yield request.param


def test_what_is_saved_is_what_is_loaded(place, tmp_path):
    kept = Credentials(user="u", password="p")
    kept.save("kept")
    folder = LocalFileSystem(basepath=str(tmp_path))
    outer = Connection(
        credentials=kept,
        spare=Credentials(user="spare", password="q"),
        more=[kept, Credentials(user="third")],
        store=folder,
        headers={"h": "secret"},
    )
    id = outer.save("outer")
    loaded = Connection.load("outer")
    assert loaded._block_document_id == id
    assert (loaded.credentials.password.get_secret_value(), loaded.spare.user) == ("p", "spare")
    assert [one.user for one in loaded.more] == ["u", "third"]
    assert isinstance(loaded.store, LocalFileSystem)  # the field says only that it is some file system
    assert loaded.headers["h"].get_secret_value() == "secret"
    assert (loaded.credentials._block_document_name, loaded.spare._block_document_name) == ("kept", None)
    assert loaded.credentials._block_document_id == kept._block_document_id
    kept.user = "renamed"
    kept.save("kept", overwrite=True)
    assert Block.load("some-connection/outer").credentials.user == "renamed"
    assert Connection.load_from_ref(id).credentials.user == "renamed"
    with get_client(sync_client=True) as client:
        hidden = client.read_block_document(id, include_secrets=False)
    assert "secret" not in str(hidden.data)
    assert hidden.data["spare"] == {"user": "spare", "password": "********", "block_type_slug": "credentials"}
    assert hidden.block_schema.capabilities == ["connect"]
    assert hidden.block_schema.fields["block_schema_references"]["spare"]["block_type_slug"] == "credentials"


def test_a_name_is_taken_unless_it_is_given_up(place):
    Credentials(user="a").save("taken")
    with pytest.raises(ValueError, match="overwrite"):
        Credentials(user="b").save("taken")
    Credentials(user="b").save("taken", overwrite=True)
    assert Credentials.load("taken").user == "b"
    Credentials.delete("taken")
    with pytest.raises(ValueError, match="Unable to find block document named taken"):
        Credentials.load("taken")
    with pytest.raises(ValueError, match="Unable to find"):
        Credentials.delete("taken")
    with pytest.raises(ValidationError, match="lowercase"):
        Credentials(user="a").save("Bad Name")


def test_fields_are_described_as_other_clients_describe_them():
    class Inner(Block):
        """The inner one."""

        x: int = 3
        pw: SecretStr = SecretStr("zz")

    from prefect.blocks._schema import fields_of

    fields = fields_of(Inner)
    assert fields["properties"]["pw"] == {
        "default": "**********", "format": "password", "title": "Pw", "type": "string", "writeOnly": True,
        "position": 1,
    }  # fmt: skip
    assert checksum_of(fields) == "sha256:5c83cacff07f6a1066b8880670817c0b1509e728b30ac79682a6250f5a1cc06e"
