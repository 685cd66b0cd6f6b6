"""`prefect block`: stored configuration, and its types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import UUID

import click

from prefect.cli._command import Entry, Group, LazyGroup, argument
from prefect.cli._objects import as_json, asking, shortened
from prefect.cli._output import confirm, fail, format_time, output_option, print_json, print_table

if TYPE_CHECKING:
    from prefect.model.blocks import BlockDocument

_ENTRIES = {
    "delete": Entry("prefect.cli.block:delete", "Delete a block."),
    "inspect": Entry("prefect.cli.block:inspect", "Show a block; its secrets stay hidden."),
    "ls": Entry("prefect.cli.block:ls", "List blocks."),
    "type": Entry("prefect.cli.block:block_type", "See and delete types of blocks.", ("types",)),
}


@click.group("block", cls=LazyGroup, entries=_ENTRIES)
def block() -> None:
    """See and delete blocks. A block is named `type-slug/name`."""


@click.command("ls")
@output_option
def ls(output: str | None) -> None:
    """List blocks, by name."""
    with asking() as client:
        found = client.read_block_documents(include_secrets=False)
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no blocks yet.")
    else:
        rows = [[str(one.id), one.block_type_name or "", one.name or "", _slug(one)] for one in found]
        print_table(["ID", "Type", "Name", "Slug"], rows, title="Blocks")


@click.command("inspect")
@argument("slug", required=False)
@click.option("--id", "block_id", type=click.UUID, help="The block of this id.")
@output_option
def inspect(slug: str | None, block_id: UUID | None, output: str | None) -> None:
    """Show a block; its secrets stay hidden."""
    one = _named(slug, block_id)
    if output:
        print_json(as_json([one])[0])
        return
    for label, value in (("ID", one.id), ("Block", _slug(one)), ("Updated", format_time(one.updated))):
        click.echo(f"{label:8} {value}")
    for field, value in one.data.items():
        click.echo(f"  {field} = {value if isinstance(value, str) else json.dumps(value)}")


@click.command("delete")
@argument("slug", required=False)
@click.option("--id", "block_id", type=click.UUID, help="The block of this id.")
def delete(slug: str | None, block_id: UUID | None) -> None:
    """Delete a block; blocks that refer to it lose it."""
    one = _named(slug, block_id)
    confirm(f"Delete the block {_slug(one)}?")
    with asking() as client:
        client.delete_block_document(one.id)
    click.echo(f"Deleted the block {_slug(one)}.")


@click.group("type", cls=Group)
def block_type() -> None:
    """See and delete types of blocks."""


@block_type.command("ls")
@output_option
def type_ls(output: str | None) -> None:
    """List types of blocks, by name."""
    with asking() as client:
        found = client.read_block_types()
    if output:
        print_json(as_json(found))
    elif not found:
        click.echo("There are no types of blocks yet: saving a block makes its type known.")
    else:
        rows = [[one.slug, one.name, shortened(one.description or "")] for one in found]
        print_table(["Slug", "Name", "Description"], rows, title="Types of blocks")


@block_type.command("inspect")
@argument("slug")
@output_option
def type_inspect(slug: str, output: str | None) -> None:
    """Show a type, and the fields of its blocks."""
    with asking(_no_type(slug)) as client:
        one = client.read_block_type_by_slug(slug)
        schema = client.get_most_recent_block_schema_for_block_type(one.id)
    if output:
        print_json({**as_json([one])[0], "fields": schema.fields if schema else {}})
        return
    for label, value in (("Slug", one.slug), ("Name", one.name), ("ID", one.id)):
        click.echo(f"{label:12} {value}")
    click.echo(f"{'Description':12} {one.description or ''}".rstrip())
    for name, field in (schema.fields if schema else {}).get("properties", {}).items():
        click.echo(f"  {name}: {field.get('type', 'any')}")


@block_type.command("delete")
@argument("slug")
def type_delete(slug: str) -> None:
    """Delete a type with its blocks."""
    with asking(_no_type(slug)) as client:
        one = client.read_block_type_by_slug(slug)
        if one.is_protected:
            fail(f"Expected a type that can be deleted, got {slug!r}, which is protected.")
        confirm(f"Delete the type {slug!r} and all of its blocks?")
        client.delete_block_type(one.id)
    click.echo(f"Deleted the type {slug!r}.")


def _named(slug: str | None, block_id: UUID | None) -> BlockDocument:
    if (slug is None) == (block_id is None):
        fail("Expected `type-slug/name` or --id, got both or none. Give one of them.")
    named = slug or str(block_id)
    missing = f"Expected a block, got {named!r}: `prefect block ls` lists them as `type-slug/name`."
    with asking(missing) as client:
        if block_id is not None:
            return client.read_block_document(block_id, include_secrets=False)
        kind, _, name = named.partition("/")
        return client.read_block_document_by_name(name, kind, include_secrets=False)


def _slug(one: BlockDocument) -> str:
    return f"{one.block_type.slug if one.block_type else '?'}/{one.name}"


def _no_type(slug: str) -> str:
    return f"Expected the slug of a type of blocks, got {slug!r}: `prefect block type ls` lists them."
