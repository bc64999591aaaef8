"""A mail server that keeps what it is given: `mail.py FOLDER` says its port, then writes each mail there as a JSON file, decoded as a mail
program would."""

import asyncio
import itertools
import json
import pathlib
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count(1)

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body()
        faults = [*mail.defects, *body.defects, *(fault for header in mail.values() for fault in header.defects)]
        kept = {
            "to": envelope.rcpt_tos,
            "from": str(mail["From"]),
            "subject": str(mail["Subject"]),
            "type": body.get_content_type(),
            "text": body.get_content(),
            # Servers on the way may refuse, or spoil, what isn't.
            "is_ascii": envelope.content.isascii(),
            "faults": [repr(fault) for fault in faults],
        }
        # Renamed once whole: somebody is waiting to read it.
        unfinished = self.folder / "unfinished"
        unfinished.write_text(json.dumps(kept), "utf-8")
        unfinished.rename(self.folder / f"{next(self.numbers):04}.json")
        return "250 OK"


async def main(folder):
    keeper = Keeper(folder)
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(keeper, hostname="localhost"), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main(pathlib.Path(sys.argv[1])))
