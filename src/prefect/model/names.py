"""Random names for flow runs: an adjective and an animal."""

from __future__ import annotations

import random

_ADJECTIVES = """
    able agile airy amber ample ardent balmy bold brave breezy bright brisk bubbly calm candid careful
    caring charming cheerful chatty clever cosy crisp curious dapper daring deft devoted eager earnest
    easy elegant fair faithful fancy festive fleet fluffy fond frank fresh friendly gallant generous
    gentle glad gleaming golden graceful grand handy happy hardy hearty helpful honest hopeful humble
    jaunty jolly jovial joyful keen kind lively loyal lucid lucky mellow merry mighty modest neat nimble
    noble patient peppy placid playful plucky polite prompt proud quick quiet radiant ready serene silver
    sincere smart snug sprightly steady sunny swift tidy tranquil trusty upbeat velvet vivid warm wise
    witty zesty
""".split()  # noqa: SIM905 - read as text, not as 106 literals

_ANIMALS = """
    albatross alpaca antelope axolotl badger beaver bison bluebird bobcat bumblebee buffalo bunting
    butterfly canary capybara caribou cheetah chickadee chinchilla chipmunk cormorant crane cricket curlew
    deer dolphin dormouse dove dragonfly duckling eagle egret elephant elk falcon ferret finch firefly
    flamingo fox gazelle gecko gibbon giraffe goldfinch goose grouse guanaco hare hedgehog heron
    hummingbird ibex ibis jackdaw kestrel kingfisher kitten kiwi koala ladybird lark lemur leopard lizard
    llama lynx macaw magpie manatee marmot meerkat mongoose moose moth narwhal newt nightingale ocelot
    okapi opossum oriole osprey otter owl panda parrot pelican penguin pheasant plover pony puffin puma
    quail quokka rabbit raccoon raven reindeer robin salmon sandpiper seahorse seal sparrow squirrel
    starling stork swallow swan tamarin tapir terrapin tiger tortoise toucan turtle vole wallaby walrus
    weasel whale wombat woodpecker wren yak zebra
""".split()  # noqa: SIM905 - read as text, not as 128 literals


def random_name() -> str:
    """A name like `merry-otter`, one of about twelve thousand. Not unique: ids are for that."""
    return f"{random.choice(_ADJECTIVES)}-{random.choice(_ANIMALS)}"  # noqa: S311 - nothing secret
