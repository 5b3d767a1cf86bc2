# SPDX-License-Identifier: Apache-2.0
"""The mail servers behind Postfix: take everything over SMTP, keep it, and refuse or defer what they are asked to."""

import re
import socket
import socketserver
import threading
import time


class Delivery:
    """One message as it came over the wire, to the recipients of its transaction."""

    def __init__(self, server, mail, rcpts, data):
        self.server = server  # the name of the server that took it
        self.mail = mail  # the arguments of MAIL and RCPT, as they were
        self.rcpts = rcpts
        self.data = data
        self.time = time.time()
        self.head, _, self.body = data.partition(b"\r\n\r\n")
        self.head += b"\r\n"

    def recipients(self):
        return [re.match(r"TO:<(.*?)>(?: |$)", rcpt, re.IGNORECASE).group(1) for rcpt in self.rcpts]

    def fields(self, name):
        """The values of a header field, unfolded."""
        pattern = rb"^" + name.encode() + rb":[ \t]*((?:.*\r\n)(?:[ \t].*\r\n)*)"
        return [re.sub(r"\r\n(?=[ \t])", "", value.decode("utf-8", "surrogateescape")).strip()
                for value in re.findall(pattern, self.head, re.MULTILINE | re.IGNORECASE)]

    def field(self, name):
        values = self.fields(name)
        return values[0] if values else None

    def message_id(self):
        return (self.field("Message-ID") or "").strip("<>")


class Sink:
    """Several servers, by name. `answers` maps a recipient to replies that it gets before it is accepted."""

    def __init__(self):
        self.deliveries = []
        self.answers = {}
        self.lock = threading.Condition()
        self.servers = []
        self.names = set()

    def listen(self, name, address, hidden=()):
        """Takes mail on an address, as the server `name`, which does not offer the ESMTP extensions `hidden`. Once."""
        sink = self
        if name in self.names:
            return
        self.names.add(name)

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    Session(sink, name, hidden, self.rfile, self.wfile).run()
                except (ConnectionError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 200

        server = Server(address, Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.servers.append(server)

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def keep(self, delivery):
        with self.lock:
            self.deliveries.append(delivery)
            self.lock.notify_all()

    def of(self, message_id):
        with self.lock:
            return [d for d in self.deliveries if d.message_id() == message_id]

    def answer(self, recipient):
        with self.lock:
            replies = self.answers.get(recipient, [])
            return replies.pop(0) if replies else "250 2.1.5 Ok"


class Gate:
    """A way to another address, which can be closed."""

    def __init__(self, address, target):
        gate = self
        self.is_open, self.passing = False, []

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                if not gate.is_open:
                    self.request.sendall(b"421 4.3.2 closed\r\n")
                    return
                with socket.create_connection(target, 10, (target[0], 0)) as there:
                    gate.passing += [there, self.request]
                    other = threading.Thread(target=gate.pass_on, args=(there, self.request), daemon=True)
                    other.start()
                    gate.pass_on(self.request, there)
                    other.join()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(address, Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def pass_on(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def open(self):
        self.is_open = True

    def shut(self):
        """Also for connections that Postfix keeps to use them again."""
        self.is_open = False
        for connection in self.passing:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.passing.clear()

    def close(self):
        self.shut()
        self.server.shutdown()
        self.server.server_close()


class Session:
    def __init__(self, sink, name, hidden, reader, writer):
        self.sink, self.name, self.hidden, self.reader, self.writer = sink, name, hidden, reader, writer
        self.reset()

    def reset(self):
        self.mail, self.rcpts = None, []

    def say(self, *lines):
        for line in lines[:-1]:
            self.writer.write((line[:3] + "-" + line[4:] + "\r\n").encode())
        self.writer.write((lines[-1] + "\r\n").encode())
        self.writer.flush()

    def data(self):
        lines = []
        while True:
            line = self.reader.readline()
            if not line:
                raise ConnectionError
            if line == b".\r\n":
                return b"".join(lines)
            lines.append(line[1:] if line.startswith(b".") else line)

    def run(self):
        self.say("220 sink.test ESMTP")
        while True:
            line = self.reader.readline()
            if not line:
                return
            verb, _, rest = line.decode("utf-8", "surrogateescape").strip().partition(" ")
            if not self.command(verb.upper(), rest):
                return

    def command(self, verb, rest):
        if verb == "EHLO":
            offers = [o for o in ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES") if o not in self.hidden]
            self.say("250 sink.test", *("250 " + offer for offer in offers))
        elif verb == "MAIL":
            self.reset()
            self.mail = rest
            self.say("250 2.1.0 Ok")
        elif verb == "RCPT":
            recipient = re.match(r"TO:<(.*?)>(?: |$)", rest, re.IGNORECASE).group(1)
            reply = self.sink.answer(recipient)
            if reply.startswith("2"):
                self.rcpts.append(rest)
            self.say(reply)
        elif verb == "DATA" and self.rcpts:
            self.say("354 go on")
            self.sink.keep(Delivery(self.name, self.mail, self.rcpts, self.data()))
            self.say("250 2.0.0 Ok")
            self.reset()
        elif verb == "DATA":
            self.say("554 5.5.1 no valid recipients")
        elif verb == "QUIT":
            self.say("221 2.0.0 Bye")
            return False
        else:
            self.reset()
            self.say("250 2.0.0 Ok")
        return True
