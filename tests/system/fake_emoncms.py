#!/usr/bin/env python3
"""An Emoncms server as a publisher sees it: bulk input with the answers and the failures of the real one.

In a test:   server = FakeEmoncms(key); server.start(); server.modes = ['500', 'ok']; ... server.stop()
By hand:     fake_emoncms.py [--port N] [--key HEX] [--mode M[,M...]] [--rows FILE]     prints `listening URL`

Modes, one for each request, the last one staying: ok | error (200 with an error message) | html (200 with a fatal error page) |
readonly (200, nothing) | newline (`ok` and a newline) | 401 | 403 | 413 | 500 | redirect | retry-after:SECONDS (503) | hang (no
answer) | close (hangs up at once) | deaf (takes the rows, then hangs up: the lost answer). GET /control/MODE[,MODE] sets them.

`rows` holds every row taken, in order; `inputs[node, name][time]` what is stored of them, the last one winning. `requests` holds
what was odd or right about each request. With --rows each taken row is a line of JSON in FILE.
"""
import argparse
import json
import socket
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = '0123456789abcdef0123456789abcdef'
NODE_LIMIT = 32


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, status, body, content_type='text/plain;charset=UTF-8', headers=()):
        self.send_response(status)
        self.send_header('Content-Type', content_type)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def refuse(self, message):
        """Emoncms reports its errors with status 200."""
        self.answer(200, json.dumps({'success': False, 'message': message}).encode())

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def do_GET(self):
        fake = self.server.fake
        if self.path.startswith('/control/'):
            fake.modes = self.path[len('/control/'):].split(',')
            self.answer(200, b'ok')
        else:
            self.answer(404, b'')

    def do_POST(self):
        fake = self.server.fake
        length = int(self.headers.get('Content-Length', 0))
        body = self.rfile.read(length)
        url = urllib.parse.urlsplit(self.path)
        mode = fake.next_mode()
        request = {
            'at': time.monotonic(),
            'mode': mode,
            'path': url.path,
            'query': url.query,
            'bearer': self.headers.get('Authorization') == f'Bearer {fake.key}',
            'key_in_url': fake.key in self.path,
            'type': self.headers.get('Content-Type'),
            'length': length,
            'rows': 0,
        }
        fake.requests.append(request)
        self.act(fake, mode, request, body, url)

    def act(self, fake, mode, request, body, url):
        name, _, argument = mode.partition(':')
        if name == 'hang':
            fake.stopping.wait(600)
            self.hang_up()
        elif name == 'close':
            self.hang_up()
        elif name == 'error':
            self.refuse("Error: Reached the maximal allowed number of different NodeIds, limit is 32. Node 'x' was ignored.")
        elif name == 'html':
            self.answer(200, b'<br />\n<b>Fatal error</b>:  Uncaught TypeError', 'text/html')
        elif name == 'readonly':
            self.answer(200, b'')
        elif name in ('401', '403'):
            self.answer(int(name), b'Invalid API key', 'text/html')
        elif name in ('413', '500'):
            self.answer(int(name), b'<html>nginx</html>', 'text/html')
        elif name == 'redirect':
            self.answer(301, b'', headers=[('Location', f'{fake.url}/elsewhere/input/bulk.json?time=0')])
        elif name == 'retry-after':
            self.answer(503, b'busy', headers=[('Retry-After', argument)])
        else:
            self.take(fake, name, request, body, url)

    def take(self, fake, name, request, body, url):
        if not request['bearer']:
            self.answer(401, b'Invalid API key', 'text/html',
                        [('WWW-Authenticate', 'Bearer realm="API KEY", error="invalid_apikey"')])
            return
        rows, why = fake.parse(url, request['type'], body)
        if rows is None:
            self.refuse(why)
            return
        why = fake.store(rows)
        request['rows'] = len(rows)
        if why:
            self.refuse(why)
        elif name == 'deaf':
            self.hang_up()
        else:
            self.answer(200, b'ok\n' if name == 'newline' else b'ok')


class Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is no error here


class FakeEmoncms:
    def __init__(self, key=KEY, port=0, modes=('ok',), rows_path=None, certificate=None):
        self.key, self.port, self.modes, self.rows_path = key, port, list(modes), rows_path
        self.certificate = certificate  # (certificate, key) files: https
        self.rows, self.requests, self.inputs, self.conflicts = [], [], {}, []
        self.lock = threading.Lock()
        self.server = None
        self.stopping = threading.Event()

    def next_mode(self):
        with self.lock:
            return self.modes.pop(0) if len(self.modes) > 1 else self.modes[0]

    @staticmethod
    def parse(url, content_type, body):
        """The rows of a bulk call with absolute times, or None and the server's complaint."""
        query = urllib.parse.parse_qs(url.query)
        if url.path not in ('/input/bulk.json', '/input/bulk', '/emoncms/input/bulk.json'):
            return None, 'unknown action'
        form = {}
        if content_type == 'application/x-www-form-urlencoded':
            form = urllib.parse.parse_qs(body.decode('ascii'), keep_blank_values=True)
        if query.get('time') != ['0']:
            return None, 'this server wants time=0'
        try:
            rows = json.loads(form['data'][0])
        except (KeyError, ValueError):
            return None, 'Format error, json string supplied is not valid'
        if not rows or len(rows[-1]) < 3:
            return None, 'Format error, last item in bulk data does not contain any data'
        return rows, None

    def store(self, rows):
        with self.lock:
            for row in rows:
                at, node, values = row[0], row[1], row[2]
                nodes = {n for n, _ in self.inputs} | {node}
                if len(nodes) > NODE_LIMIT:
                    return f"Error: Reached the maximal allowed number of different NodeIds, limit is {NODE_LIMIT}."
                self.rows.append(row)
                for name, value in values.items():
                    series = self.inputs.setdefault((node, name), {})
                    if value is None or (at in series and series[at] != value):
                        self.conflicts.append((at, node, name, series.get(at), value))
                    series[at] = value
                if self.rows_path:
                    with open(self.rows_path, 'a') as f:
                        f.write(json.dumps(row) + '\n')
        return None

    @property
    def url(self):
        return f'{"https" if self.certificate else "http"}://127.0.0.1:{self.port}'

    def start(self):
        self.stopping.clear()
        self.server = Server(('127.0.0.1', self.port), Handler)
        self.server.fake = self
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        """Goes away; start() comes back on the same port with what it has stored."""
        if self.server:
            self.stopping.set()
            self.server.shutdown()
            self.server.server_close()
            self.server = None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--port', type=int, default=0)
    parser.add_argument('--key', default=KEY)
    parser.add_argument('--mode', default='ok')
    parser.add_argument('--rows')
    args = parser.parse_args()
    fake = FakeEmoncms(args.key, args.port, args.mode.split(','), args.rows).start()
    print(f'listening {fake.url}', flush=True)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        fake.stop()


if __name__ == '__main__':
    main()
