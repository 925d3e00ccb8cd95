"""Requests that change something, against the server alone (http_rig): their form, who may, their bodies, their answers."""
import http.client
import json
import socket
import threading
import time
import unittest
from pathlib import Path

from http_rig import Rig

PATH = '/api/v1/sources'
JSON = {'Content-Type': 'application/json'}
BODY_MAX = 64 * 1024


def anonymous_kb(pid):
    """Memory that no file backs: which pages of its libraries are in memory is not the program's doing."""
    return next(int(line.split()[1]) for line in Path(f'/proc/{pid}/smaps_rollup').read_text().split('\n') if line.startswith('Anonymous:'))


class RigTest(unittest.TestCase):
    changes = 'local'

    def setUp(self):
        self.rig = Rig('127.0.0.1', '0', self.changes)
        self.addCleanup(self.stop_rig)

    def stop_rig(self):
        if self.rig.process.poll() is None:
            code, text = self.rig.stop()
            self.assertEqual(code, 0, text)

    def problem(self, reply, status):
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.getheader('Content-Type'), 'application/problem+json')
        got = json.loads(reply.body)
        self.assertEqual((got['status'], got['title']), (status, reply.reason))
        return got

    def post(self, body, headers=JSON):
        return self.rig.get(PATH, headers, method='POST', body=body)

    def start_post(self, body, headers=JSON):
        """A POST under way; its connection."""
        c = self.rig.connect()
        self.addCleanup(c.close)
        c.request('POST', PATH, body=body, headers=headers)
        return c

    def assert_may(self, path, headers, said):
        """What whoever answers a GET is told of it."""
        c = self.rig.connect()
        self.addCleanup(c.close)
        c.request('GET', path, headers=headers)
        self.assertEqual(self.wait_for_jobs(1), said)
        self.rig.tell('answer 200 {}')
        self.assertEqual(c.getresponse().status, 200)

    def wait_for_jobs(self, n):
        end = time.monotonic() + 5
        while not (said := self.rig.tell('jobs')).startswith(f'{n} '):
            self.assertLess(time.monotonic(), end, said)
            time.sleep(0.01)
        return said.split(' ', 1)[1]


class Answers(RigTest):
    def test_a_job_sleeps_until_it_is_answered_and_delays_nobody(self):
        self.rig.live({'time': 1})
        c = self.start_post('{"source": {"id": "a"}}')
        self.assertEqual(json.loads(self.wait_for_jobs(1)), {'source': {'id': 'a'}})
        before = Path(f'/proc/{self.rig.process.pid}/stat').read_text().split()[13:15]
        for _ in range(20):
            self.assertEqual(self.rig.json('/api/v1/live'), {'time': 1})
        time.sleep(0.5)
        after = Path(f'/proc/{self.rig.process.pid}/stat').read_text().split()[13:15]
        self.assertLess(sum(map(int, after)) - sum(map(int, before)), 20, 'it turns in circles')
        self.assertEqual(self.rig.tell('answer 201 {"id":"a"}'), 'ok 0')
        reply = c.getresponse()
        self.assertEqual((reply.status, json.loads(reply.read()), reply.getheader('Cache-Control')),
                         (201, {'id': 'a'}, 'no-store'))
        c.request('GET', '/api/v1/live')  # the connection stays
        self.assertEqual(c.getresponse().read(), b'{"time":1}')

    def test_each_gets_its_own_answer(self):
        connections = []
        for i in range(5):
            connections.append(self.start_post(json.dumps({'i': i})))
            self.wait_for_jobs(i + 1)
        for i in range(5):
            self.rig.tell(f'answer 200 {{"i":{i}}}')
        for i, c in enumerate(connections):
            self.assertEqual(json.loads(c.getresponse().read()), {'i': i})

    def test_an_answer_to_one_who_left_harms_nobody(self):
        c = self.start_post('{}')
        self.wait_for_jobs(1)
        c.close()
        self.assertEqual(self.rig.tell('answer 200 {}'), 'ok 0')
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)

    def test_who_waits_when_the_server_stops_is_cut_off(self):
        c = self.start_post('{}')
        self.wait_for_jobs(1)
        self.assertEqual(self.rig.stop(), (0, ''))
        with self.assertRaises((http.client.HTTPException, ConnectionError)):
            c.getresponse()

    def test_a_busy_daemon_says_so(self):
        self.rig.tell('full 1')
        reply = self.post('{}')
        self.problem(reply, 503)
        self.assertEqual(reply.getheader('Retry-After'), '2')


class Bodies(RigTest):
    def test_what_is_no_json_object_is_refused_with_the_place(self):
        for body, part in (('{"a": }', 'line 1, column 7'), ('', 'needs a JSON object'), ('[]', 'not an object'), ('{"a":1,"a":2}', 'duplicate'),
                           ('{"a":"\\u0000"}', 'NUL'), (b'{"a":"\xff"}', 'unable to decode'), ('[' * 30000, 'depth'), ('{} x', 'end of file')):
            self.assertIn(part, self.problem(self.post(body), 400)['detail'])
        self.problem(self.rig.get(PATH, method='POST'), 400)
        self.assertEqual(self.rig.tell('jobs'), '0 -')

    def test_only_json_is_taken(self):
        for kind, status in (('text/plain', 415), ('application/x-www-form-urlencoded', 415), ('application/jsonp', 415), ('', 415),
                             (None, 415), ('Application/JSON', 400), ('application/json; charset=utf-8', 400)):
            self.problem(self.post('x', {'Content-Type': kind} if kind is not None else {}), status)

    def test_64_kB_are_taken_and_a_byte_more_is_not(self):
        for room, status in ((BODY_MAX, 200), (BODY_MAX + 1, 413), (20 * BODY_MAX, 413)):
            body = '{"a":"' + 'x' * (room - 8) + '"}'
            for chunked in (False, True):
                headers = dict(JSON)
                pieces = [body[i:i + 1000].encode() for i in range(0, room, 1000)]
                if chunked:
                    headers['Transfer-Encoding'] = 'chunked'
                try:
                    c = self.rig.connect()
                    self.addCleanup(c.close)
                    c.request('POST', PATH, body=iter(pieces) if chunked else body, headers=headers, encode_chunked=chunked)
                    if status == 200:
                        self.assertEqual(len(self.wait_for_jobs(1)), room)
                        self.rig.tell('answer 200 {}')
                    reply = c.getresponse()
                    self.assertEqual(reply.status, status, (room, chunked))
                    reply.read()
                except ConnectionError:  # far too much of it is not read to its end
                    self.assertEqual(room, 20 * BODY_MAX)
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)

    def test_who_asks_before_sending_is_told_before_sending(self):
        head = f'POST {PATH} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n'
        for kind, first in (('text/plain', b'HTTP/1.1 415'), ('application/json', b'HTTP/1.1 100')):
            with socket.create_connection(('127.0.0.1', self.rig.port), timeout=60) as s:
                s.sendall((head + f'Content-Type: {kind}\r\n\r\n').encode())
                self.assertEqual(s.recv(12), first)

    def test_bodies_that_never_end_cost_what_came_of_them(self):
        sockets = []

        def announce():
            s = socket.create_connection(('127.0.0.1', self.rig.port), timeout=60)
            self.addCleanup(s.close)
            s.sendall(f'POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n'.encode() + b'{' * 100)
            sockets.append(s)

        announce()  # what the first of them takes stays for the others
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)
        before = anonymous_kb(self.rig.process.pid)
        for _ in range(40):
            announce()
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)
        self.assertLess(anonymous_kb(self.rig.process.pid) - before, 40 * 40)
        for s in sockets:
            s.close()
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)
        self.assertEqual(self.rig.tell('jobs'), '0 -')


class Who(RigTest):
    def test_methods_are_those_of_the_path(self):
        for method, path, allow in (('GET', PATH, 'POST'), ('HEAD', PATH, 'POST'), ('PUT', PATH, 'POST'), ('DELETE', PATH, 'POST'), ('OPTIONS', PATH, 'POST'),
                                    ('POST', '/api/v1/live', 'GET, HEAD'), ('DELETE', '/', 'GET, HEAD'), ('PUT', '/app.5eed.js', 'GET, HEAD')):
            reply = self.rig.get(path, JSON, method=method, body='{}' if method in ('PUT', 'POST') else None)
            self.assertEqual((reply.status, reply.getheader('Allow')), (405, allow), (method, path))
        self.problem(self.rig.get('/api/v1/nothing', JSON, method='POST', body='{}'), 404)
        self.problem(self.rig.get(PATH + '?a=1', JSON, method='POST', body='{}'), 400)

    def test_foreign_pages_change_nothing(self):
        for headers, status in (({'Host': 'evil.example'}, 421), ({'Origin': 'http://evil.example'}, 403), ({'Origin': 'null'}, 403)):
            self.problem(self.post('{}', {**JSON, **headers}), status)
        self.assertEqual(self.rig.tell('jobs'), '0 -')

    def test_what_a_proxy_passes_on_is_not_local(self):
        for header in ('Forwarded', 'X-Forwarded-For', 'x-forwarded-host'):
            p = self.problem(self.post('{}', {**JSON, header: 'x'}), 403)
            self.assertIn('set http.changes to always', p['detail'])
        self.assertEqual(self.rig.get('/api/v1/series', {'Forwarded': 'for=1.2.3.4'}).status, 200)


    def test_a_reader_is_told_whether_it_may(self):
        self.assert_may('/api/v1/calibration', {}, '-calibration')
        self.assert_may('/api/v1/ports', {}, '-ports')
        self.assert_may('/api/v1/ports', {'Forwarded': 'for=1.2.3.4'}, '-ports, may not change')


class Always(RigTest):
    changes = 'always'

    def test_a_proxy_may(self):
        c = self.start_post('{}', {**JSON, 'Forwarded': 'for=1.2.3.4'})
        self.wait_for_jobs(1)
        self.rig.tell('answer 200 {}')
        self.assertEqual(c.getresponse().status, 200)
        self.assert_may('/api/v1/ports', {'Forwarded': 'for=1.2.3.4'}, '-ports')


class Never(RigTest):
    changes = 'never'

    def test_nobody_may_and_the_page_is_served_all_the_same(self):
        self.assertIn('http.changes is never', self.problem(self.post('{}'), 403)['detail'])
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)
        self.assert_may('/api/v1/calibration', {}, '-calibration, may not change')


if __name__ == '__main__':
    unittest.main()
