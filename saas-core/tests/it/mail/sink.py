"""A mail server with faults: aiosmtpd, which does as the address of the reader says.

Prints its port, then each message that it accepted as one line of JSON.
"""

import asyncio
import json
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult


# Where TLS is spoken from the first byte, a session does not know of it.
TLS = sys.argv[1] == "tls"


class Handler:
    def __init__(self):
        self.refused = set()

    async def handle_MAIL(self, server, session, envelope, address, options):
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 ok"

    async def handle_RCPT(self, server, session, envelope, address, options):
        answers = {
            "gone": "550 5.1.1 <%s> no such user" % address,
            "gone-plain": "550 no such user here",
            "spam-rcpt": "550 5.7.1 we do not like you",
            "busy": "451 4.3.0 try again later",
            "strange": "299 strange but fine",
        }
        name = address.split("@")[0]
        if name == "greylisted" and address not in self.refused:
            self.refused.add(address)
            return "450 4.2.0 greylisted"
        if name == "hang":
            await asyncio.sleep(3600)
        if name == "hangup":
            session.loop.call_soon(server.transport.close)
            await asyncio.sleep(3600)
        if name in answers and not answers[name].startswith("2"):
            return answers[name]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        name = envelope.rcpt_tos[0].split("@")[0]
        if name == "spam":
            return "554 5.7.1 looks like spam"
        if name == "full":
            return "552 5.2.2 mailbox full"
        if name == "later":
            return "452 4.3.1 no space"
        report(session, envelope)
        if name == "silent":
            await asyncio.sleep(3600)
        if name == "slow":
            await asyncio.sleep(3)
        if name == "drop":
            server.transport.abort()
            await asyncio.sleep(3600)
        return "250 2.0.0 kept as %s" % name


def report(session, envelope):
    message = message_from_bytes(envelope.content, policy=policy.default)

    def body(kind):
        part = message.get_body((kind,))
        return part.get_content() if part else None

    line = {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "tls": TLS or session.ssl is not None,
        "user": getattr(session.auth_data, "login", b"").decode() if session.authenticated else None,
        "peer": session.peer[1],
        "header_to": message["to"],
        "header_to_addresses": [a.addr_spec for a in message["to"].addresses],
        "header_from": message["from"],
        "bcc": message["bcc"],
        "headers": [name.lower() for name in message.keys()],
        "subject": message["subject"],
        "message_id": message["message-id"],
        "unsubscribe": message["list-unsubscribe"],
        "unsubscribe_post": message["list-unsubscribe-post"],
        "text": body("plain"),
        "html": body("html"),
    }
    print(json.dumps(line), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=data.login == b"user" and data.password == b"pass@word", auth_data=data)


async def main(mode, certificate=None, key=None, port="0"):
    context = None
    if mode != "plain":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
    handler = Handler()

    def session():
        return SMTP(
            handler,
            hostname="sink.test",
            enable_SMTPUTF8=True,
            tls_context=context if mode == "starttls" else None,
            require_starttls=mode == "starttls",
            authenticator=authenticate,
            # Offered in the clear as well, so that a client that would use it there is caught.
            auth_require_tls=mode == "starttls",
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", int(port), ssl=context if mode == "tls" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Whoever started it holds its standard input; it ends with them.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main(*sys.argv[1:]))
