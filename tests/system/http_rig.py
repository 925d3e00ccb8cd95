"""The HTTP server alone (tests/system/http_rig.c) and small clients for it."""
import http.client
import json
import os
import socket
import subprocess
import threading
from pathlib import Path
from urllib.parse import urlsplit

BUILD = Path(os.environ.get('HEATWATT_BUILD', 'build'))
FROM_MS = 1_800_000_000_000  # FAKE_FROM_MS of fake_tslog.h


class Rig:
    def __init__(self, *args):
        self.process = subprocess.Popen([BUILD / 'tests/system/http_rig', *args], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        if not line.startswith('listening '):
            raise RuntimeError(self.process.communicate()[1].decode().strip())
        self.url = line.split()[1].rstrip('/')
        self.port = urlsplit(self.url).port
        self.errors = []
        self.reader = threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True)
        self.reader.start()

    def tell(self, line):
        self.process.stdin.write(line.encode() + b'\n')
        self.process.stdin.flush()
        return self.process.stdout.readline().decode().strip()

    def stats(self):
        return json.loads(self.tell('stats'))

    def live(self, value):
        assert self.tell('live ' + json.dumps(value, separators=(',', ':'))) == 'ok 0'

    def stop(self):
        """(exit code, everything it wrote to stderr)"""
        self.process.stdin.write(b'quit\n')
        self.process.stdin.close()
        code = self.process.wait(60)
        self.process.stdout.close()
        self.reader.join(5)
        self.process.stderr.close()
        return code, b''.join(self.errors).decode()

    def connect(self):
        return http.client.HTTPConnection('127.0.0.1', self.port, timeout=60)

    def get(self, path, headers=None, method='GET', body=None):
        """The reply with .body read, over a connection of its own."""
        c = self.connect()
        try:
            c.request(method, path, body=body, headers=headers or {})
            reply = c.getresponse()
            reply.body = reply.read()
            return reply
        finally:
            c.close()

    def json(self, path):
        reply = self.get(path)
        assert reply.status == 200, reply.body
        return json.loads(reply.body)

    def raw(self, data, timeout_s=10):
        """All that comes back for these bytes until the server closes, or timeout_s without any."""
        got = b''
        with socket.create_connection(('127.0.0.1', self.port), timeout=timeout_s) as s:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            try:
                while piece := s.recv(65536):
                    got += piece
            except (TimeoutError, ConnectionResetError):
                pass
        return got

    def events(self, headers=None):
        return Events(self, headers)


class Events:
    """An event stream, read event by event."""

    def __init__(self, rig, headers=None):
        self.connection = rig.connect()
        self.connection.request('GET', '/api/v1/events', headers=headers or {})
        self.reply = self.connection.getresponse()
        self.status = self.reply.status

    def next(self):
        """(event, id, data) of the next block; a comment is (':', None, text), retry ('retry', None, ms)."""
        event, number, data = None, None, None
        while True:
            line = self.reply.readline().decode()
            if line == '':
                return None
            line = line.rstrip('\n')
            if line == '':
                return event, number, data
            field, _, value = line.partition(':')
            value = value.removeprefix(' ')
            if field == '':
                event, data = ':', value
            elif field == 'retry':
                event, data = 'retry', int(value)
            elif field == 'event':
                event = value
            elif field == 'id':
                number = value
            elif field == 'data':
                data = json.loads(value)

    def until(self, event):
        """The next of that kind; those passed over are dropped."""
        while (got := self.next()) and got[0] != event:
            pass
        return got

    def close(self):
        self.reply.close()
        self.connection.close()
