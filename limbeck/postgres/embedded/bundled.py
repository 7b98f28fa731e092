"""The extensions that limbeck installs in its server because the wheels of Postgres lack them."""

from __future__ import annotations

from pathlib import Path

from limbeck.postgres.embedded.os_user import Account

PACKAGED = Path(__file__).parent / "contrib"


def install(folder: Path, account: Account) -> None:
    """Copy the control and SQL files to a folder that belongs to the server's account.

    The server may not be able to read them where limbeck is installed: root starts it as another
    user, whom a virtual environment below /root is closed to. Equal files are left alone, since
    those of an earlier start may belong to somebody else.
    """
    folder.mkdir(exist_ok=True)
    account.own(folder)
    for source in sorted(PACKAGED.rglob("*")):
        target = folder / source.relative_to(PACKAGED)
        if source.is_dir():
            target.mkdir(exist_ok=True)
            account.own(target)
        elif not target.exists() or target.read_bytes() != source.read_bytes():
            target.write_bytes(source.read_bytes())
            account.own(target)
