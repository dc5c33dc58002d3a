"""Sends messages as the AMQP 1.0 client of another language makes them.

Arguments: URL, queue, and the names of the messages below; user and password come from the environment.
"""

import os
import sys
import uuid

from proton import Message, char, symbol, timestamp, ulong
from proton.utils import BlockingConnection

CSV = "name,course\nJürgen 名前,First aid\n"


def csv(name, **more):
    """A data section and the names of a CSV."""
    properties = {"template": "Courses", "notify": "a+b@example.com", "fileName": name + ".csv"}
    properties.update(more)
    return {"body": (CSV + name).encode(), "inferred": True, "properties": properties}


MESSAGES = {
    "data": csv("data"),
    "binary": dict(csv("binary"), inferred=False, id=uuid.UUID(int=7)),
    "text": dict(csv("text"), body=CSV + "text", id="mine"),
    "typed-text": dict(csv("typed-text"), content_type="text/plain"),
    "long-id": dict(csv("long-id"), id="i\0d" * 2000),
    "steering": csv(
        "steering", CamelHttpUri="http://127.0.0.1:1/evil", CamelHttpMethod="DELETE", Authorization="evil",
        csvImportSourceKey="evil", **{"x-evil.header name": "evil"}),
    # Artemis itself cannot tell a client of its core protocol of these
    "typed": csv("typed", when=timestamp(1), uuid=uuid.UUID(int=7)),
    "typed-rejected": csv("/typed", when=timestamp(1), uuid=uuid.UUID(int=7)),
    "map": dict(csv("map"), body={"name": "Anna"}, inferred=False),
    "list": dict(csv("list"), body=["name", 7], inferred=False),
    "number": dict(csv("number"), body=7, inferred=False),
    "null": dict(csv("null"), body=None),
    "no-bytes": dict(csv("no-bytes"), body=b""),
    "number-template": csv("number-template", template=7),
    "symbol-template": csv("symbol-template", template=symbol("Courses")),
    "bytes-template": csv("bytes-template", template=b"Courses"),
    "line-break": csv("line-break", template="Courses\r\nX-Evil: 1"),
    "bad-path": csv("../bad-path"),
    # a rejected one takes along whatever it has
    "strange-properties": csv(
        "/strange", unsigned=ulong(7), letter=char("ß"), bits=b"\0\1", nothing=None,
        sign=symbol("x"), **{"content.type": "a", "file-name": "b", "NULL": "c", "": "d"}),
}

url, queue, names = sys.argv[1], sys.argv[2], sys.argv[3:]
connection = BlockingConnection(url, user=os.environ["AMQP_USER"], password=os.environ["AMQP_PASSWORD"])
sender = connection.create_sender(queue)
for name in names:
    sender.send(Message(durable=True, **MESSAGES[name]))
connection.close()
