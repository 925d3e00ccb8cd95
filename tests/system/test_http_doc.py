"""The examples of docs/HTTP_API.md, made and compared.

Against the server alone (http_rig), against the daemon with the plant when both are built, and against any running daemon
with HEATWATT_URL=http://127.0.0.1:PORT.

An example is a block of kind http (a request, an empty line, its body and an empty line if it has one, the status line and
headers that must come back), followed by one of kind json, csv or sse. JSON is compared by shape: the same members with values of the same kind; null fits all; an array's
elements each fit one of those shown; a member named … stands for any further members of that kind. Events must carry the
members shown, and may carry more. What would change something is asked only of the server alone, which answers as shown. CSV has lines of the fields shown: the same columns, and values of the same kind or none.
"""
import csv
import http.client
import json
import os
import re
import threading
import unittest
from pathlib import Path
from urllib.parse import urlsplit

from http_rig import BUILD, Rig

DOC = Path(__file__).resolve().parents[2] / 'docs/HTTP_API.md'
EVENTS_TIMEOUT_S = 40


class Example:
    def __init__(self, http_text, kind, text):
        asked, *body, answered = http_text.strip().split('\n\n')
        first, *headers = asked.split('\n')
        self.method, self.path = first.split()
        self.headers = dict(h.split(': ', 1) for h in headers)
        status, *headers = answered.split('\n')
        self.status = int(status.split()[1])
        self.answer_headers = dict(h.split(': ', 1) for h in headers)
        self.kind, self.text = kind, text
        self.body = body[0] if body else None

    def changes_something(self):
        return self.status == 201


def examples():
    blocks = re.findall(r'^```(\w+)\n(.*?)^```$', DOC.read_text(), re.M | re.S)
    found = []
    for (kind, text), (next_kind, next_text) in zip(blocks, blocks[1:] + [('', '')]):
        if kind == 'http':
            assert next_kind in ('json', 'csv', 'sse'), f'no answer shown for: {text}'
            found.append(Example(text, next_kind, next_text))
    return found


def differences(shown, got, where='', more=False):
    """Where `got` has not the shape of `shown`, in words."""
    if shown is None or got is None:
        return []
    kinds = [(int, float) if isinstance(v, (int, float)) and not isinstance(v, bool) else type(v) for v in (shown, got)]
    if kinds[0] != kinds[1]:
        return [f'{where}: {got!r}, shown is {shown!r}']
    if isinstance(shown, dict):
        return object_differences(shown, got, where, more)
    if isinstance(shown, list) and shown:
        return [d for i, g in enumerate(got) for d in element_differences(shown, g, f'{where}[{i}]', more)]
    return []


def object_differences(shown, got, where, more):
    bad = [f'{where}.{k}: absent' for k in shown if k != '…' and k not in got]
    for k, v in got.items():
        if k in shown or '…' in shown:
            bad += differences(shown[k] if k in shown else shown['…'], v, f'{where}.{k}', more)
        elif not more:
            bad.append(f'{where}.{k}: not shown in the example')
    return bad


def element_differences(shown, got, where, more):
    tries = [differences(s, got, where, more) for s in shown]
    return min(tries, key=len)


def shown_events(text):
    """{event: (id or None, data)}"""
    events = {}
    for block in text.strip().split('\n\n'):
        fields = dict(line.split(': ', 1) for line in block.split('\n'))
        events[fields['event']] = (fields.get('id'), json.loads(fields['data']))
    return events


def field_kind(text):
    """What a field of CSV is."""
    for kind, pattern in (('missing', ''), ('number', r'-?\d+(\.\d+)?'),
                          ('time', r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?[+-]\d\d:\d\d')):
        if re.fullmatch(pattern, text):
            return kind
    return 'text'


class Server:
    """A base URL and what the placeholders stand for there."""

    def __init__(self, url):
        self.address = urlsplit(url).netloc
        reply, body = self.ask('GET', '/api/v1/series')
        assert reply.status == 200, body
        series = [s for s in json.loads(body)['series'] if s['streams']]
        stream = next(s for s in series if s['kind'] == 'gauge')['streams'][0]
        self.names = {
            'gauge': next(s['id'] for s in series if s['kind'] == 'gauge'),
            'clamp': next((s['source'] for s in series if s['quantity'] == 'current'), 'hp'),
            'counter': next(s['id'] for s in series if s['kind'] == 'counter'),
            'from': max(stream['from'], stream['to'] - 3_600_000),
            'to': stream['to'] + 60_000,
            'source': json.loads(self.ask('GET', '/api/v1/live')[1])['sources'][0]['id'],
        }

    def connect(self, timeout_s=20):
        host, port = self.address.rsplit(':', 1)
        return http.client.HTTPConnection(host, int(port), timeout=timeout_s)

    def ask(self, method, path, headers=None, body=None):
        c = self.connect()
        try:
            c.request(method, path, body=body, headers=headers or {})
            reply = c.getresponse()
            return reply, reply.read()
        finally:
            c.close()

    def fill(self, text):
        return text and re.sub(r'\{(\w+)\}', lambda m: str(self.names[m.group(1)]), text)


class DocTest:
    """The tests; a subclass gives self.server."""

    changes = False

    def check_head(self, example, reply):
        self.assertEqual(reply.status, example.status)
        for name, value in example.answer_headers.items():
            self.assertEqual(reply.getheader(name), value)

    def check_json(self, example):
        reply, body = self.server.ask(example.method, self.server.fill(example.path), example.headers, self.server.fill(example.body))
        self.check_head(example, reply)
        shown = json.loads(self.server.fill(example.text))
        bad = differences(shown, json.loads(body))
        self.assertEqual(bad, [])
        if example.status >= 400:  # here the words are the contract
            self.assertEqual(json.loads(body), shown)

    def check_csv(self, example):
        path = self.server.fill(example.path)
        reply, body = self.server.ask(example.method, path, example.headers)
        self.check_head(example, reply)
        text = example.text
        for shown, ours in zip(('hp_power', 'hp_import'), re.search(r'series=([^&]*)', path).group(1).split(',')):
            text = text.replace(shown, ours)
        shown, got = list(csv.reader(text.split('\n')[:-1])), list(csv.reader(body.decode().split('\r\n')[:-1]))
        units = re.compile(r'\[.*\]')  # of the series that stands for {gauge}
        self.assertEqual([units.sub('', field) for field in got[0]], [units.sub('', field) for field in shown[0]])
        self.assertGreater(len(got), 1)
        for row in got[1:]:
            self.assertEqual(len(row), len(got[0]))
            for mine, like in zip(row, shown[1]):
                self.assertIn(field_kind(mine), ('missing', field_kind(like)), row)

    def check_events(self, example):
        wanted = shown_events(example.text)
        c = self.server.connect(EVENTS_TIMEOUT_S)
        self.addCleanup(c.close)
        c.request(example.method, self.server.fill(example.path), headers=example.headers)
        reply = c.getresponse()
        self.addCleanup(reply.close)
        self.check_head(example, reply)
        fields = {}
        while wanted:
            line = reply.readline().decode()
            self.assertTrue(line, f'the stream ended before {list(wanted)}')
            name, _, value = line.rstrip('\n').partition(':')
            if name:
                fields[name] = value.removeprefix(' ')
            elif line == '\n':
                self.check_event(wanted, fields)
                fields = {}

    def check_event(self, wanted, fields):
        number, data = wanted.pop(fields.get('event'), (None, None))
        if data is None:
            return
        self.assertEqual(number is None, 'id' not in fields, fields)
        if number is not None:
            self.assertRegex(fields['id'], r'^[a-z0-9_]+:\d+$')
        self.assertEqual(differences(data, json.loads(fields['data']), fields['event'], more=True), [])

    def test_every_example_is_answered_as_shown(self):
        shown = examples()
        self.assertGreaterEqual(len(shown), 10)
        for example in shown:
            if example.changes_something() and not self.changes:
                continue
            with self.subTest(f'{example.method} {example.path} {example.headers} {example.body}'):
                {'sse': self.check_events, 'csv': self.check_csv, 'json': self.check_json}[example.kind](example)


class TheServerAlone(DocTest, unittest.TestCase):
    changes = True

    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.rig.stop)
        self.rig.tell('records 40')
        live = next(json.loads(e.text) for e in examples() if e.path == '/api/v1/live' and e.status == 200)
        self.rig.live(live)
        self.server = Server(self.rig.url)
        self.ended = threading.Event()
        feeder = threading.Thread(target=self.feed, args=(live,))
        feeder.start()
        self.addCleanup(feeder.join)
        self.addCleanup(self.ended.set)

    def feed(self, live):
        while not self.ended.wait(0.1):
            self.rig.tell('records 1')
            self.rig.live(live)
            self.answer_job()

    def answer_job(self):
        """As the page shows it: the server alone has nobody else who could."""
        body = self.rig.tell('jobs').split(' ', 1)[1]
        bodiless = {'-scan': 'GET /api/v1/scan', '-stop': 'DELETE /api/v1/scan', '-ports': 'GET /api/v1/ports',
                    '-calibration': 'GET /api/v1/calibration', '-back': 'DELETE /api/v1/calibration/4711'}
        for e in examples() if body != '-' else []:
            if body in bodiless and f'{e.method} {e.path}' == bodiless[body]:
                self.rig.tell(f'answer {e.status} {json.dumps(json.loads(e.text))}')
                return
            if e.body and body not in bodiless and json.loads(self.server.fill(e.body)) == json.loads(body):
                self.rig.tell(f'answer {e.status} {json.dumps(json.loads(self.server.fill(e.text)))}')
                return


if 'HEATWATT_URL' in os.environ:  # a daemon of yours, tested only when asked for

    class ARunningDaemon(DocTest, unittest.TestCase):
        def setUp(self):
            self.server = Server(os.environ['HEATWATT_URL'])


class TheDaemonWithThePlant(DocTest, unittest.TestCase):
    def setUp(self):
        if not ((BUILD / 'heatwatt').exists() and (BUILD / 'heatwatt-sim').exists()):
            self.skipTest('heatwatt and heatwatt-sim are not both built')
        import harness
        self.harness = harness.SystemTest()
        self.harness.setUp()
        self.addCleanup(self.harness.doCleanups)
        plant = self.harness.plant(speed=1)
        daemon = self.harness.daemon(harness.write_config(plant, record_s=1, commit_s=1))
        harness.wait_for('a record', lambda: daemon.status('/api/v1/live')[0] == 200 and
                         any(s['streams'] for s in daemon.get('/api/v1/series')['series']))
        self.server = Server(daemon.url)


class TheComparison(unittest.TestCase):
    def test_it_sees_what_differs(self):
        for shown, got, count, why in (
                ({'a': 1}, {'a': 2.5}, 0, 'numbers are numbers'),
                ({'a': 1}, {'a': None}, 0, 'missing'),
                ({'a': None}, {'a': 'x'}, 0, 'shown as missing'),
                ({'a': 1}, {'a': '1'}, 1, 'a string for a number'),
                ({'a': 1}, {'a': True}, 1, 'a truth value for a number'),
                ({'a': 1}, {}, 1, 'a member is absent'),
                ({'a': 1}, {'a': 1, 'b': 2}, 1, 'a member too many'),
                ({'…': 1}, {'a': 1, 'b': 2}, 0, 'any members of a kind'),
                ({'…': 1}, {'a': 1, 'b': 'x'}, 1, 'of another kind'),
                ([1], ['x', 2], 1, 'an element of another kind'),
                ([{'a': 1}, {'a': 1, 'b': 1}], [{'a': 1, 'b': 2}, {'a': 3}], 0, 'one of the elements shown'),
                ([{'a': 1}, {'a': 1, 'b': 1}], [{'c': 1}], 2, 'none of them')):
            self.assertEqual(len(differences(shown, got)), count, why)
        self.assertEqual(differences({'a': 1}, {'a': 1, 'b': 2}, more=True), [])


if __name__ == '__main__':
    unittest.main()
