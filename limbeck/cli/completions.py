"""The command `completion`."""

from __future__ import annotations

import click

from limbeck.cli.invocation import CONTEXT
from limbeck.cli.options import Command

SHELLS = ("bash", "zsh", "fish")

# Where each shell reads its completions; `eval` is for one session.
PLACES = {
    "bash": "echo 'eval \"$(limbeck completion bash)\"' >> ~/.bashrc",
    "zsh": "echo 'eval \"$(limbeck completion zsh)\"' >> ~/.zshrc",
    "fish": "limbeck completion fish > ~/.config/fish/completions/limbeck.fish",
}


@click.command(cls=Command, context_settings=CONTEXT)
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell: commands, environments, revisions, branches."""
    import sys

    from click.shell_completion import get_completion_class

    from limbeck.cli.terminal import answer_exactly, say

    script = get_completion_class(shell)
    assert script is not None  # noqa: S101 - Click has all of SHELLS
    answer_exactly(script(ctx.find_root().command, {}, "limbeck", "_LIMBECK_COMPLETE").source())
    if sys.stdout.isatty():
        say(f"To use it in every session: {PLACES[shell]}")
