"""The rules of the HTTP server, each checked from outside: tests/system/http_rig.c is the server alone."""
import gzip
import http.client
import json
import socket
import struct
import time
import unittest

from http_rig import FROM_MS, Rig

LOCAL_QUERY = f'/api/v1/query?series=hp_power&from={FROM_MS}&to={FROM_MS + 60000}&step=10000'


def wait_until(condition, timeout_s=60):
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            raise AssertionError('not in time')
        time.sleep(0.01)


class RigTest(unittest.TestCase):
    def setUp(self):
        self.rig = Rig()
        self.addCleanup(self.stop_rig)

    def stop_rig(self):
        if self.rig.process.poll() is None:
            code, text = self.rig.stop()
            self.assertEqual(code, 0, text)

    def problem(self, reply, status):
        self.assertEqual(reply.status, status, reply.body)
        self.assertEqual(reply.getheader('Content-Type'), 'application/problem+json')
        self.assertEqual(reply.getheader('Cache-Control'), 'no-store')
        p = json.loads(reply.body)
        self.assertEqual(p['status'], status)
        self.assertEqual(p['type'], 'about:blank')
        self.assertEqual(p['title'], reply.reason)
        return p


class Live(RigTest):
    def test_before_the_first_values_it_says_starting(self):
        p = self.problem(self.rig.get('/api/v1/live'), 503)
        self.assertIn('starting', p['detail'])

    def test_it_is_what_was_published_last(self):
        self.rig.live({'time': 1})
        self.rig.live({'time': 2, 'label': 'Wärme'})
        reply = self.rig.get('/api/v1/live')
        self.assertEqual(json.loads(reply.body), {'time': 2, 'label': 'Wärme'})
        self.assertEqual(reply.getheader('Content-Type'), 'application/json')
        self.assertEqual(reply.getheader('Cache-Control'), 'no-store')

    def test_a_line_break_inside_is_refused_and_the_one_before_stays(self):
        self.rig.live({'time': 1})
        self.assertEqual(self.rig.tell('live {\r}'), 'ok -7')
        self.assertEqual(self.rig.json('/api/v1/live'), {'time': 1})

    def test_head_has_the_length_and_no_body(self):
        self.rig.live({'time': 1})
        reply = self.rig.get('/api/v1/live', method='HEAD')
        self.assertEqual((reply.status, reply.getheader('Content-Length'), reply.body), (200, '10', b''))

    def test_many_requests_go_over_one_connection(self):
        self.rig.live({'time': 1})
        c = self.rig.connect()
        c.connect()
        port = c.sock.getsockname()[1]
        for path in ('/api/v1/live', '/api/v1/series', '/nothing', LOCAL_QUERY, '/api/v1/live'):
            c.request('GET', path)
            c.getresponse().read()
            self.assertEqual(c.sock.getsockname()[1], port, f'{path} closed the connection')
        c.close()


class Addressee(RigTest):
    def test_foreign_hosts_are_refused_counted_and_logged_once(self):
        for host in ('evil.example', 'localhost.evil.example:80', 'evil\x1b[31m', '127.0.0.1.nip.io'):
            p = self.problem(self.rig.get('/api/v1/live', {'Host': host}), 421)
            self.assertIn('is not served here', p['detail'])
        self.assertEqual(self.rig.stats()['refused_host'], 4)
        code, text = self.rig.stop()
        self.assertEqual(text.count('\n'), 1, text)
        self.assertIn('refused foreign host=evil.example count=1', text)

    def test_our_names_are_served_with_any_port(self):
        self.rig.live({})
        for host in ('localhost', 'LOCALHOST:1', '127.0.0.1', '[::1]', '[::1]:8080', 'heatwatt.example', 'heatwatt.example:443'):
            self.assertEqual(self.rig.get('/api/v1/live', {'Host': host}).status, 200, host)

    def test_foreign_pages_are_refused(self):
        self.rig.live({})
        for origin, status in (('http://localhost:8080', 200), ('https://heatwatt.example', 200), ('null', 403),
                               ('http://evil.example', 403), ('http://localhost.evil.example', 403)):
            self.assertEqual(self.rig.get('/api/v1/live', {'Origin': origin}).status, status, origin)
        self.problem(self.rig.get('/', {'Origin': 'http://evil.example'}), 403)
        self.assertEqual(self.rig.stats()['refused_origin'], 4)

    def test_no_host_or_two_are_refused(self):
        for head, what in ((b'GET / HTTP/1.0\r\n\r\n', b'0 Host headers'),
                           (b'GET / HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n', b'2 Host headers')):
            got = self.rig.raw(head)
            self.assertIn(b' 400 Bad Request', got.split(b'\r\n')[0])
            self.assertIn(what, got)

    def test_a_good_origin_before_a_bad_one_does_not_help(self):
        got = self.rig.raw(b'GET / HTTP/1.0\r\nHost: localhost\r\nOrigin: http://localhost\r\nOrigin: http://evil\r\n\r\n')
        self.assertIn(b' 403 Forbidden', got.split(b'\r\n')[0])


class Form(RigTest):
    def test_other_methods_are_refused_with_the_ones_allowed(self):
        for method in ('POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'):
            reply = self.rig.get('/api/v1/live', method=method, body=b'x' * 1000 if method == 'POST' else None)
            self.problem(reply, 405)
            self.assertEqual(reply.getheader('Allow'), 'GET, HEAD')

    def test_the_host_is_checked_before_the_method(self):
        self.problem(self.rig.get('/api/v1/live', {'Host': 'evil.example'}, method='POST', body=b'x'), 421)

    def test_a_body_is_refused(self):
        self.problem(self.rig.get('/api/v1/live', body=b'surprise'), 400)
        self.problem(self.rig.get('/api/v1/live', {'Transfer-Encoding': 'chunked'}, body=b'0\r\n\r\n'), 400)
        self.problem(self.rig.get('/', body=b'surprise'), 400)

    def test_unknown_paths_are_not_found(self):
        for path in ('/api/v1/lives', '/api/v1/live/', '/api', '/index.htm', '/../etc/passwd', '/%2e%2e/etc/passwd',
                     '/api/v1%2Flive', '//'):
            p = self.problem(self.rig.get(path), 404)
            self.assertIn(path, p['detail'])

    def test_odd_bytes_of_a_request_come_back_as_valid_json(self):
        got = self.rig.raw(b'GET /\xff"\\\x01 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
        head, body = got.split(b'\r\n\r\n', 1)
        self.assertIn(b'404', head.split(b'\r\n')[0])
        self.assertIn('/ÿ"\\\x01', json.loads(body)['detail'])

    def test_a_long_uri_is_refused_and_a_longer_header_too(self):
        self.problem(self.rig.get('/api/v1/live?' + 'a' * 4096), 414)
        self.assertIn(self.rig.get('/' + 'a' * 60000).status, (414, 431))
        self.assertEqual(self.rig.get('/', {'Cookie': 'a' * 60000}).status, 431)

    def test_parameters_nobody_knows_are_named(self):
        p = self.problem(self.rig.get('/api/v1/live?form=1'), 400)
        self.assertIn("'form' is not known; /api/v1/live takes none", p['detail'])
        p = self.problem(self.rig.get(LOCAL_QUERY + '&form=1'), 400)
        self.assertIn('takes series, from, to, step, points, fn, tz, format, quality, stream', p['detail'])

    def test_a_broken_query_string_is_refused(self):
        for text, part in (('series=%zz', 'percent'), ('from=1&from=2', 'twice'), ('=1', 'no name')):
            p = self.problem(self.rig.get('/api/v1/query?' + text), 400)
            self.assertIn(part, p['detail'])

    def test_garbage_harms_nobody(self):
        for data in (b'\r\n\r\n', b'\x16\x03\x01\x02\x00', b'GET\r\n\r\n', b'GET / HTTP/1.1\r\nHost', b'GET / HTTP/9.9\r\n\r\n',
                     b'GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n',
                     b'GET /api/v1/live HTTP/1.1\r\nno colon here\r\n\r\n', b'\x00' * 5000):
            self.rig.raw(data, timeout_s=0.1)
        self.rig.live({})
        self.assertEqual(self.rig.get('/api/v1/live').status, 200)


class Headers(RigTest):
    def test_every_answer_carries_the_security_headers(self):
        self.rig.live({})
        for path, status in (('/', 200), ('/app.5eed.js', 200), ('/api/v1/live', 200), ('/api/v1/series', 200),
                             (LOCAL_QUERY, 200), ('/nothing', 404), ('/api/v1/query', 400)):
            reply = self.rig.get(path)
            self.assertEqual(reply.status, status, path)
            policy = reply.getheader('Content-Security-Policy')
            for rule in ("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'",
                         "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"):
                self.assertIn(rule, policy.split('; '))
            self.assertEqual(reply.getheader('X-Content-Type-Options'), 'nosniff')
            self.assertEqual(reply.getheader('Referrer-Policy'), 'no-referrer')
            self.assertIsNone(reply.getheader('Access-Control-Allow-Origin'))


class Page(RigTest):
    SCRIPT = bytes(ord('a') + i * i % 23 for i in range(50000))

    def test_it_is_sent_compressed_to_those_who_take_it(self):
        reply = self.rig.get('/app.5eed.js', {'Accept-Encoding': 'gzip, deflate, br'})
        self.assertEqual(reply.getheader('Content-Encoding'), 'gzip')
        self.assertEqual(reply.getheader('Content-Type'), 'text/javascript')
        self.assertEqual(gzip.decompress(reply.body), self.SCRIPT)

    def test_others_get_it_inflated(self):
        for headers in ({'Accept-Encoding': 'identity'}, {'Accept-Encoding': 'gzip;q=0'}):
            reply = self.rig.get('/app.5eed.js', headers)
            self.assertIsNone(reply.getheader('Content-Encoding'))
            self.assertEqual(reply.body, self.SCRIPT)
            self.assertEqual(reply.getheader('Vary'), 'Accept-Encoding')

    def test_the_root_is_the_index(self):
        for path in ('/', '/index.html', '/?theme=dark'):
            reply = self.rig.get(path)
            self.assertEqual(reply.body, b'<!doctype html><title>rig</title>')
            self.assertEqual(reply.getheader('Content-Type'), 'text/html; charset=utf-8')

    def test_named_by_their_content_they_are_kept_for_ever_and_the_index_never(self):
        self.assertEqual(self.rig.get('/app.5eed.js').getheader('Cache-Control'), 'public, max-age=31536000, immutable')
        self.assertEqual(self.rig.get('/').getheader('Cache-Control'), 'no-cache')

    def test_who_has_it_is_told_so(self):
        tag = self.rig.get('/').getheader('ETag')
        self.assertEqual(tag, 'W/"5eed"')
        reply = self.rig.get('/', {'If-None-Match': tag})
        self.assertEqual((reply.status, reply.body), (304, b''))
        self.assertEqual(reply.getheader('ETag'), tag)
        self.assertEqual(self.rig.get('/', {'If-None-Match': '"other"'}).status, 200)


class Series(RigTest):
    def test_configured_and_logged_channels_with_their_streams(self):
        self.rig.tell('records 40')
        series = {s['id']: s for s in self.rig.json('/api/v1/series')['series']}
        self.assertEqual(list(series), ['hp_power', 'hp_import', 'heatmeter_flow_t', 'cellar_temperature',
                                        'shed_temperature', 'attic_temperature'])
        self.assertEqual(series['hp_import'], {
            'id': 'hp_import', 'source': 'hp', 'quantity': 'import', 'unit': 'Wh', 'kind': 'counter',
            'label': 'Heat pump, energy',
            'streams': [{'stream': 'own', 'provenance': 'measured', 'from': FROM_MS + 10000, 'to': FROM_MS + 400000}]})
        self.assertEqual(series['hp_power']['label'], 'Heat pump ⚡')
        self.assertEqual([s['stream'] for s in series['hp_power']['streams']], ['own', 'import_1'])
        self.assertEqual(series['cellar_temperature']['streams'], [])
        self.assertEqual(series['attic_temperature'], {
            'id': 'attic_temperature', 'source': 'attic', 'quantity': 'temperature', 'unit': 'degC', 'kind': 'gauge',
            'label': 'attic_temperature',
            'streams': [{'stream': 'import_1', 'provenance': 'simulated', 'from': FROM_MS - 59 * 60000, 'to': FROM_MS}]})

    def test_a_channel_of_ten_records_between_two_changes_is_found(self):
        self.rig.tell('records 4000')
        ids = [s['id'] for s in self.rig.json('/api/v1/series')['series']]
        self.assertIn('loft_temperature', ids)
        self.assertIn('barn_temperature', ids)

    def test_an_unreadable_log_is_said(self):
        self.rig.tell('fail -9 0 0')
        self.assertIn('IO', self.problem(self.rig.get('/api/v1/series'), 503)['detail'])
        self.rig.tell('fail 0 0 -9')
        self.assertIn('IO', self.problem(self.rig.get('/api/v1/series'), 500)['detail'])
        self.rig.tell('fail 0 0 0')
        self.assertEqual(self.rig.get('/api/v1/series').status, 200)


class Query(RigTest):
    def setUp(self):
        super().setUp()
        self.rig.tell('records 40')

    def query(self, text):
        return self.rig.json('/api/v1/query?' + text)

    def test_columns_have_units_and_missing_is_null(self):
        got = self.query(f'series=hp_power,hp_import,heatmeter_flow_t&from={FROM_MS}&to={FROM_MS + 60000}&step=10000')
        self.assertEqual(got['time'], [FROM_MS + 10000 * i for i in range(6)])
        self.assertEqual(got['columns'], [
            {'series': 'hp_power', 'fn': 'mean', 'unit': 'W', 'values': [100.1, 100.2, 100.3, 100.4, 100.5, 100.6]},
            {'series': 'hp_import', 'fn': 'delta', 'unit': 'Wh', 'values': [0, 1, 1, 1, 1, 1]},
            {'series': 'heatmeter_flow_t', 'fn': 'mean', 'unit': 'degC', 'values': [34, 34, None, 34, 34, None]}])
        self.assertEqual((got['from'], got['to'], got['step']), (FROM_MS, FROM_MS + 60000, 10000))

    def test_a_mean_has_a_place_more_than_its_values(self):
        got = self.query(f'series=hp_power&from={FROM_MS}&to={FROM_MS + 60000}&step=20000&fn=mean,min,max')
        self.assertEqual([c['values'] for c in got['columns']],
                         [[100.15, 100.35, 100.55], [100.1, 100.3, 100.5], [100.2, 100.4, 100.6]])

    def test_the_own_stream_wins_and_the_origins_are_told(self):
        got = self.query(f'series=hp_power&from={FROM_MS - 120000}&to={FROM_MS + 60000}&step=60000')
        self.assertEqual(got['columns'][0]['values'], [50, 50, 100.35])
        self.assertEqual(got['provenance'], [
            {'stream': 'own', 'provenance': 'measured', 'from': FROM_MS + 10000, 'to': FROM_MS + 60000},
            {'stream': 'import_1', 'provenance': 'simulated', 'from': FROM_MS - 120000, 'to': FROM_MS}])

    def test_a_range_with_nothing_has_nulls_and_no_origin(self):
        got = self.query('series=hp_power&from=1000&to=4000&step=1000')
        self.assertEqual(got['columns'][0]['values'], [None, None, None])
        self.assertEqual(got['provenance'], [])

    def test_a_configured_series_without_records_is_null(self):
        got = self.query(f'series=cellar_temperature&from={FROM_MS}&to={FROM_MS + 60000}&step=60000')
        self.assertEqual(got['columns'][0]['values'], [None])

    def test_a_series_of_the_log_alone_is_served_outside_its_range_too(self):
        got = self.query(f'series=attic_temperature&from={FROM_MS + 60000}&to={FROM_MS + 120000}&step=60000')
        self.assertEqual(got['columns'][0]['values'], [None])

    def test_a_series_nobody_knows_is_refused(self):
        reply = self.rig.get(f'/api/v1/query?series=hp_power,hq_power&from={FROM_MS}&to={FROM_MS + 60000}&step=60000')
        p = self.problem(reply, 400)
        self.assertEqual(p['parameter'], 'series')
        self.assertIn("'hq_power' is neither configured nor in the log", p['detail'])

    def test_bad_parameters_are_named(self):
        for text, name in (('series=hp_power', 'from'), ('series=hp_power&from=5&to=5&step=1000', 'to'),
                           ('from=0&to=5000&step=1000', 'series'), ('series=hp_power&from=0&to=5000&step=10', 'step'),
                           ('series=hp_power&from=0&to=5000&step=1000&fn=median', 'fn')):
            p = self.problem(self.rig.get('/api/v1/query?' + text), 400)
            self.assertEqual(p['parameter'], name)
            self.assertTrue(p['detail'].startswith(name + ': '), p['detail'])

    def test_an_unreadable_log_is_said(self):
        self.rig.tell('fail -9 0 0')
        self.problem(self.rig.get(LOCAL_QUERY), 503)
        self.rig.tell('fail 0 -9 0')
        self.problem(self.rig.get(LOCAL_QUERY.replace('step=10000', 'step=20000')), 500)
        self.rig.tell('fail 0 0 -9')
        self.problem(self.rig.get(LOCAL_QUERY), 500)
        self.rig.tell('fail 0 0 0')
        self.assertEqual(self.rig.get(LOCAL_QUERY).status, 200)

    def test_the_largest_query_is_answered_whole(self):
        series = ','.join(['hp_power', 'hp_import', 'heatmeter_flow_t', 'attic_temperature'])
        got = self.query(f'series={series}&from={FROM_MS - 50_000_000}&to={FROM_MS}&step=5000&fn=min,max')
        self.assertEqual(len(got['time']), 10000)
        self.assertEqual([len(c['values']) for c in got['columns']], [10000] * 8)
        self.assertEqual(sum(v is not None for v in got['columns'][0]['values']), 60)

    def test_a_slow_query_delays_nobody(self):
        self.rig.live({'time': 1})
        self.rig.tell('slow 10000')
        slow = self.rig.connect()
        slow.request('GET', f'/api/v1/query?series=hp_power&from=0&to=300000&step=1000')
        taken = [0]  # buckets of 300
        for _ in range(10):
            self.assertEqual(self.rig.json('/api/v1/live'), {'time': 1})
            taken.append(int(self.rig.tell('taken')))
        self.assertLess(max(b - a for a, b in zip(taken, taken[1:])), 100, 'somebody waited for a third of the query')
        self.assertLess(taken[-1], 300, 'the query was over before the others were served')
        self.assertGreater(taken[-1], 0)
        self.rig.tell('slow 0')
        self.assertEqual(len(json.loads(slow.getresponse().read())['time']), 300)
        slow.close()

    def test_a_client_that_leaves_a_running_query_harms_nobody(self):
        self.rig.tell('slow 2000')
        for _ in range(3):
            c = self.rig.connect()
            c.request('GET', '/api/v1/query?series=hp_power&from=0&to=100000&step=1000')
            c.close()
        self.rig.tell('slow 0')
        self.assertEqual(self.rig.get(LOCAL_QUERY).status, 200)

    def test_many_large_queries_at_once_are_bounded(self):
        series = 'hp_power,hp_import,heatmeter_flow_t,cellar_temperature,attic_temperature'
        path = (f'/api/v1/query?series={series}&from={FROM_MS - 49_900_000}&to={FROM_MS + 100_000}&step=5000'
                '&fn=first,last,min,max')  # of two streams: by buckets
        waiting = []
        refused = 0
        self.rig.tell('slow 100')
        for _ in range(4):
            c = self.rig.connect()
            c.request('GET', path)
            waiting.append(c)
        for c in waiting:
            reply = c.getresponse()
            body = json.loads(reply.read())
            if reply.status == 503:
                refused += 1
                self.assertIn('memory', body['detail'])
                self.assertEqual(reply.getheader('Retry-After'), '2')
            else:
                self.assertEqual(reply.status, 200, body)
            c.close()
        self.assertEqual(refused, 2)
        self.rig.tell('slow 0')
        for _ in range(5):  # what they held was given back
            self.assertEqual(self.rig.get(path).status, 200)


def columns_of(body):
    """(metadata, {name: values}, whole) of an answer in binary columns, NaN as None."""
    assert body[:12] == b'heatwatt' + (1).to_bytes(4, 'little')
    at = 16 + int.from_bytes(body[12:16], 'little')
    assert at % 8 == 0
    head = json.loads(body[16:at])
    names = head['fixed'] + [f"{c['series']} {c['fn']}" for c in head['columns']]
    found = {name: [] for name in names}
    while True:
        rows, end = struct.unpack_from('<II', body, at)
        at += 8
        if rows == 0:
            assert at == len(body)
            return head, found, end == 0
        for name in names:
            form = 'q' if name in head['fixed'] else 'd'
            values = struct.unpack_from(f'<{rows}{form}', body, at)
            found[name] += [None if v != v else v for v in values]
            at += 8 * rows


class Formats(RigTest):
    BUCKETS = f'series=hp_power,heatmeter_flow_t&from={FROM_MS}&to={FROM_MS + 40000}&step=10000'
    RAW = f'series=hp_power,heatmeter_flow_t&from={FROM_MS - 120000}&to={FROM_MS + 40000}&step=raw'

    def setUp(self):
        super().setUp()
        self.rig.tell('records 40')

    def get(self, text, headers=None):
        reply = self.rig.get('/api/v1/query?' + text, headers)
        self.assertEqual(reply.status, 200, reply.body)
        return reply

    def test_buckets_are_the_same_in_all_formats(self):
        shown = json.loads(self.get(self.BUCKETS).body)
        csv_rows = self.get(self.BUCKETS + '&format=csv').body.decode().split('\r\n')
        head, found, whole = columns_of(self.get(self.BUCKETS + '&format=binary').body)
        self.assertTrue(whole)
        self.assertEqual(csv_rows[0], 'time,unix_ms,hp_power mean [W],heatmeter_flow_t mean [degC],provenance')
        self.assertEqual(csv_rows[1], '2027-01-15T08:00:00+00:00,1800000000000,100.1,34,measured')
        self.assertEqual(csv_rows[3], '2027-01-15T08:00:20+00:00,1800000020000,100.3,,measured')
        self.assertEqual(csv_rows[5:], [''])
        for i, column in enumerate(shown['columns']):
            self.assertEqual(found[f"{column['series']} mean"], column['values'])
            self.assertEqual([float(r.split(',')[2 + i]) if r.split(',')[2 + i] else None for r in csv_rows[1:5]], column['values'])
        self.assertEqual(found['time'], shown['time'])
        for member in ('from', 'to', 'step', 'tz', 'provenance'):
            self.assertEqual(head[member], shown[member])

    def test_raw_rows_are_the_records_of_the_own_stream_and_of_imports_where_it_has_none(self):
        got = json.loads(self.get(self.RAW).body)
        self.assertEqual(got['step'], 'raw')
        self.assertEqual(got['rows'], [
            [FROM_MS - 60000, 60000, 50, None], [FROM_MS, 60000, 50, None],
            [FROM_MS + 10000, 10000, 100.1, 34], [FROM_MS + 20000, 10000, 100.2, 34],
            [FROM_MS + 30000, 10000, 100.3, None], [FROM_MS + 40000, 10000, 100.4, 34]])
        self.assertEqual([p['stream'] for p in got['provenance']], ['own', 'import_1'])
        self.assertEqual(got['damaged'], 0)
        _, found, whole = columns_of(self.get(self.RAW + '&format=binary&quality=1').body)
        self.assertTrue(whole)
        self.assertEqual(list(zip(found['time'], found['span_ms'], found['hp_power value'], found['heatmeter_flow_t value'])),
                         [tuple(r) for r in got['rows']])
        self.assertEqual(found['heatmeter_flow_t quality'], [0, 0, 1, 1, 0, 1])
        text = self.get(self.RAW + '&format=csv&quality=1').body.decode().split('\r\n')
        self.assertEqual(text[0], 'time,unix_ms,span_ms,hp_power [W],hp_power quality,heatmeter_flow_t [degC],'
                         'heatmeter_flow_t quality,provenance')
        self.assertEqual(text[2:4], ['2027-01-15T08:00:00+00:00,1800000000000,60000,50,good,,missing,simulated',
                                     '2027-01-15T08:00:10+00:00,1800000010000,10000,100.1,good,34,good,measured'])

    def test_one_stream_alone(self):
        rows = json.loads(self.get(self.RAW + '&stream=import_1').body)['rows']
        self.assertEqual([r[0] for r in rows], [FROM_MS - 60000, FROM_MS])
        p = self.problem(self.rig.get('/api/v1/query?' + self.RAW + '&stream=import_9'), 400)
        self.assertEqual(p['parameter'], 'stream')
        self.assertIn("'import_9' is not in the log", p['detail'])

    def test_records_without_any_of_the_series_are_left_out(self):
        rows = json.loads(self.get(f'series=shed_temperature&from={FROM_MS}&to={FROM_MS + 400000}&step=raw').body)['rows']
        self.assertEqual([r[0] for r in rows], [FROM_MS + 10000 * i for i in range(21, 31)])

    def test_accept_chooses_and_the_parameter_wins(self):
        for accept, parameter, kind in ((None, '', 'application/json'), ('text/csv', '', 'text/csv; charset=utf-8; header=present'),
                                        ('application/vnd.heatwatt.columns', '', 'application/vnd.heatwatt.columns'),
                                        ('text/csv', '&format=json', 'application/json'),
                                        ('text/html,*/*;q=0.8', '', 'application/json')):
            reply = self.get(self.BUCKETS + parameter, {'Accept': accept} if accept else {})
            self.assertEqual(reply.getheader('Content-Type'), kind)
            self.assertEqual(reply.getheader('Vary'), 'Accept')
            self.assertEqual(reply.getheader('Cache-Control'), 'no-store')

    def test_csv_is_a_file_named_by_its_local_days(self):
        reply = self.get(self.BUCKETS + '&format=csv&tz=Pacific/Auckland')
        self.assertEqual(reply.getheader('Content-Disposition'), 'attachment; filename="heatwatt_2027-01-15_2027-01-15.csv"')
        self.assertIn(b'\r\n2027-01-15T21:00:00+13:00,1800000000000,', reply.body)

    def test_head_is_answered_in_every_format(self):
        for text in (self.BUCKETS, self.BUCKETS + '&format=csv', self.RAW, self.RAW + '&format=binary'):
            reply = self.rig.get('/api/v1/query?' + text, method='HEAD')
            self.assertEqual((reply.status, reply.body), (200, b''))
        self.problem_free(self.rig.get('/api/v1/query?' + self.BUCKETS + '&fn=no', method='HEAD'))

    def problem_free(self, reply):
        self.assertEqual((reply.status, reply.body), (400, b''))

    def test_rows_have_no_limit_that_json_has(self):
        text = f'series=hp_power&from={FROM_MS - 86_400_000}&to={FROM_MS}&step=2000'
        self.assertIn('format=csv', self.problem(self.rig.get('/api/v1/query?' + text), 400)['detail'])
        rows = self.get(text + '&format=csv').body.decode().split('\r\n')
        self.assertEqual(len(rows), 43200 + 2)
        self.assertEqual(sum(',50,simulated' in r for r in rows), 60)

    def test_functions_and_steps(self):
        got = json.loads(self.get(f'series=hp_power&from={FROM_MS}&to={FROM_MS + 60000}&step=30s'
                                  '&fn=first,last,integral,measured').body)
        self.assertEqual([(c['fn'], c['unit'], c['values']) for c in got['columns']], [
            ('first', 'W', [100.1, 100.4]), ('last', 'W', [100.3, 100.6]), ('integral', 'Wh', [0.835, 0.838]),
            ('measured', 's', [30, 30])])
        got = json.loads(self.get(f'series=heatmeter_flow_t&from={FROM_MS}&to={FROM_MS + 90000}&step=30s&fn=measured').body)
        self.assertEqual(got['columns'][0]['values'], [20, 20, 20])  # one record in three is missing
        got = json.loads(self.get(f'series=hp_import&from={FROM_MS}&to={FROM_MS + 400000}&step=day&tz=UTC').body)
        self.assertEqual((got['step'], got['tz'], got['columns'][0]['values']), ('day', 'UTC', [39]))
        got = json.loads(self.get(f'series=hp_import&from={FROM_MS}&to={FROM_MS + 400000}&points=7').body)
        self.assertEqual((got['step'], got['tz'], len(got['time'])), (60000, 'Europe/London', 7))

    def test_the_fast_way_and_the_log_s_own_give_the_same(self):
        """Of two streams the log's down-sampled read is asked, of one the records themselves."""
        own = f'series=hp_power,hp_import,heatmeter_flow_t&from={FROM_MS}&to={FROM_MS + 400000}'
        for step in ('5000', '10000'):
            direct = json.loads(self.get(f'{own}&step={step}&fn=mean,min,max,first,last,measured').body)
            rows = self.get(f'{own}&step={step}&fn=mean,min,max,first,last,measured&format=csv').body.decode().split('\r\n')[1:-1]
            for i, column in enumerate(direct['columns']):
                fields = [r.split(',')[2 + i] for r in rows]
                self.assertEqual([float(f) if f else None for f in fields], column['values'], (step, column['series'], column['fn']))
            direct = json.loads(self.get(f'series=hp_import&from={FROM_MS + 50000}&to={FROM_MS + 400000}&step={step}').body)
            rows = self.get(f'series=hp_import&from={FROM_MS + 50000}&to={FROM_MS + 400000}&step={step}&format=csv').body
            self.assertEqual([float(r.split(',')[2] or 'nan') for r in rows.decode().split('\r\n')[1:-1] if r.split(',')[2]],
                             [v for v in direct['columns'][0]['values'] if v is not None])


class Last(RigTest):
    def last(self, series):
        return {s['series']: s for s in self.rig.json(f'/api/v1/last?series={series}')['last']}

    def test_the_newest_value_of_each_series(self):
        self.rig.tell('records 42')
        got = self.last('hp_power,heatmeter_flow_t,cellar_temperature,attic_temperature')
        self.assertEqual(got['hp_power'], {'series': 'hp_power', 'unit': 'W', 'value': 104.2, 'time': FROM_MS + 420000,
                                           'quality': 'good', 'stream': 'own', 'provenance': 'measured'})
        self.assertEqual((got['heatmeter_flow_t']['value'], got['heatmeter_flow_t']['time']), (34, FROM_MS + 410000))
        self.assertEqual(got['attic_temperature'], {'series': 'attic_temperature', 'unit': 'degC', 'value': 18.5, 'time': FROM_MS,
                                                    'quality': 'good', 'stream': 'import_1', 'provenance': 'simulated'})
        self.assertEqual(got['cellar_temperature'], {'series': 'cellar_temperature', 'unit': 'degC', 'value': None, 'time': None,
                                                     'quality': 'missing', 'stream': None, 'provenance': None})

    def test_it_is_of_the_last_commit(self):
        for n in range(1, 4):
            self.rig.tell('records 1')
            self.assertEqual(self.last('hp_import')['hp_import']['value'], n)

    def test_a_value_long_missing_is_missing(self):
        self.rig.tell('records 30')
        self.assertEqual(self.last('shed_temperature')['shed_temperature']['value'], -4.25)
        self.rig.tell('records 70')
        self.assertEqual(self.last('shed_temperature')['shed_temperature']['value'], None)

    def test_mistakes_are_named(self):
        self.rig.tell('records 1')
        for text, detail in (('', 'series: missing'), ('?series=', 'is not an id'), ('?series=hq_power', 'neither configured'),
                             ('?series=hp_power&step=1', "'step' is not known; /api/v1/last takes series")):
            self.assertIn(detail, self.problem(self.rig.get('/api/v1/last' + text), 400)['detail'])
        self.rig.tell('records 1')
        self.rig.tell('fail -9 0 0')
        self.problem(self.rig.get('/api/v1/last?series=hp_power'), 503)


class Journal(RigTest):
    def test_entries_come_newest_first_as_they_were_written(self):
        self.assertEqual(self.rig.json('/api/v1/journal'), {'journal': []})
        for k in range(40):
            self.rig.tell('entry {"seq":%d,"text":"\u00e9 \\"quoted\\""}' % k)
        got = self.rig.json('/api/v1/journal?limit=30')['journal']
        self.assertEqual([e['seq'] for e in got], list(range(39, 9, -1)))
        self.assertEqual(got[0]['text'], '\u00e9 "quoted"')

    def test_what_is_asked_for_arrives_and_mistakes_are_named(self):
        none = -2**63
        for query, asked in (('', (none, none, '', 100)), ('?from=5&to=9&source=hp&limit=1000', (5, 9, 'hp', 1000))):
            self.rig.json('/api/v1/journal' + query)
            self.assertEqual(tuple(json.loads(self.rig.tell('asked')).values()), asked)
        for query, parameter in (('from=x', 'from'), ('to=-1', 'to'), ('limit=0', 'limit'), ('limit=1001', 'limit')):
            p = self.problem(self.rig.get('/api/v1/journal?' + query), 400)
            self.assertEqual(p['parameter'], parameter)
            self.assertIn(query.split('=')[1], p['detail'])
        self.assertIn("'kind' is not known", self.problem(self.rig.get('/api/v1/journal?kind=x'), 400)['detail'])


class SlowReaders(RigTest):
    """Of long answers, that are read while they are sent."""
    ROWS = 60000
    PATH = f'/api/v1/query?series=hp_power,hp_import&from={FROM_MS}&to={FROM_MS + ROWS * 10000}&step=raw&format='

    def setUp(self):
        super().setUp()
        self.rig.tell(f'records {self.ROWS}')

    def open(self, path):
        """A client with a small buffer, that has read nothing yet."""
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(10)
        s.connect(('127.0.0.1', self.rig.port))
        s.sendall(b'GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n' % path.encode())
        self.addCleanup(s.close)
        return s

    def body(self, s):
        """(content, whether its end was told)"""
        reply = http.client.HTTPResponse(s)
        reply.begin()
        self.assertEqual(reply.status, 200)
        try:
            return reply.read(), True
        except http.client.IncompleteRead as e:
            return e.partial, False

    def test_they_get_all_and_others_are_served_meanwhile(self):
        slow = [self.open(self.PATH + 'csv') for _ in range(20)]
        time.sleep(0.2)
        self.rig.tell('records 5')  # behind their ranges
        for _ in range(50):  # while those who read nothing hold their answers up
            self.rig.json('/api/v1/last?series=hp_power')
        for s in slow[::7]:
            body, whole = self.body(s)
            rows = body.decode().split('\r\n')
            self.assertTrue(whole)
            self.assertEqual(len(rows), self.ROWS + 2)
            self.assertEqual([int(r.split(',')[1]) for r in rows[1:-1]], [FROM_MS + 10000 * i for i in range(1, self.ROWS + 1)])

    def test_records_pruned_before_they_came_are_not_passed_over_in_silence(self):
        for form in ('csv', 'json', 'binary'):
            with self.subTest(form):
                s = self.open(self.PATH + form)
                s.recv(1000, socket.MSG_PEEK)
                time.sleep(0.1)
                self.rig.tell(f'drop {self.ROWS - 100}')
                body, whole = self.body(s)
                self.assertFalse(whole, 'the end was told as if it were whole')
                if form == 'csv':
                    self.assertTrue(body.split(b'\r\n')[-2].startswith(b'incomplete:'), body[-100:])
                elif form == 'json':
                    self.assertRaises(ValueError, json.loads, body)
                else:
                    self.assertFalse(columns_of(body)[2])
                self.rig.tell('drop 0')

    def test_buckets_of_records_pruned_before_they_came_neither(self):
        s = self.open(self.PATH.replace('step=raw', 'step=1000') + 'csv')
        s.recv(1000, socket.MSG_PEEK)
        time.sleep(0.1)
        self.rig.tell(f'drop {self.ROWS - 100}')
        self.rig.json('/api/v1/last?series=hp_power')  # another has the desk, and sees the log anew
        self.rig.json('/api/v1/series')
        body, whole = self.body(s)
        self.assertFalse(whole)
        self.assertTrue(body.split(b'\r\n')[-2].startswith(b'incomplete:'), body[-100:])

    def test_a_failing_log_cuts_the_answer(self):
        s = self.open(self.PATH + 'csv')
        s.recv(1000, socket.MSG_PEEK)
        time.sleep(0.1)
        self.rig.tell('fail 0 0 -9')
        body, whole = self.body(s)
        self.assertFalse(whole)
        self.assertTrue(body.split(b'\r\n')[-2].startswith(b'incomplete:'), body[-100:])
        self.rig.tell('fail 0 0 0')

    def test_there_is_a_limit_and_a_place_becomes_free(self):
        slow = [self.open(self.PATH + 'csv') for _ in range(32)]
        wait_until(lambda: self.rig.get(self.PATH + 'csv', method='HEAD').status == 503)
        reply = self.rig.get(self.PATH + 'csv')
        self.assertIn('32 queries are being sent', self.problem(reply, 503)['detail'])
        self.assertEqual(self.rig.get(LOCAL_QUERY).status, 200)
        for s in slow:
            s.close()
        wait_until(lambda: self.rig.get(self.PATH + 'csv', method='HEAD').status == 200)


class EventStream(RigTest):
    def stream(self, last=None):
        e = self.rig.events({'Last-Event-ID': last} if last is not None else None)
        self.addCleanup(e.close)
        self.assertEqual(e.status, 200)
        self.assertEqual(e.reply.getheader('Content-Type'), 'text/event-stream')
        self.assertEqual(e.next(), ('retry', None, 2000))
        return e

    def test_the_live_object_comes_at_once_and_at_each_publication(self):
        self.rig.live({'time': 1})
        e = self.stream()
        self.assertEqual(e.next(), ('live', None, {'time': 1}))
        for i in range(2, 6):
            self.rig.live({'time': i})
            self.assertEqual(e.next(), ('live', None, {'time': i}))

    def test_a_scan_comes_at_each_publication_and_to_a_new_stream_while_it_runs(self):
        e = self.stream()
        for i in range(1, 4):
            self.assertEqual(self.rig.tell(f'scan 1 {{"id":{i}}}'), 'ok 0')
            self.assertEqual(e.next(), ('scan', None, {'id': i}))
        late = self.stream()
        self.assertEqual(late.next(), ('scan', None, {'id': 3}))
        self.rig.tell('scan 0 {"id":4}')
        self.assertEqual([x.next() for x in (e, late)], 2 * [('scan', None, {'id': 4})])
        after = self.stream()
        self.rig.live({'time': 1})
        self.assertEqual(after.next(), ('live', None, {'time': 1}))
        self.assertNotEqual(self.rig.tell('scan 1 {}\r{}'), 'ok 0')

    def test_each_durable_record_comes_once_with_its_id(self):
        self.rig.tell('records 5')
        e = self.stream()
        self.rig.live({'time': 1})
        self.assertEqual(e.next()[0], 'live')  # none of the five before it
        self.rig.tell('records 2')
        self.assertEqual(e.next(), ('record', 'own:6', {
            'stream': 'own', 'sequence': 6, 'time': FROM_MS + 60000, 'span_ms': 10000,
            'values': {'hp_power': 100.6, 'hp_import': 6, 'heatmeter_flow_t': None}}))
        self.assertEqual(e.next()[1], 'own:7')
        self.rig.tell('records 1')
        self.assertEqual(e.next()[1], 'own:8')

    def test_records_nobody_told_of_come_with_the_next_that_was(self):
        e = self.stream()
        self.rig.live({})
        e.next()
        self.rig.tell('quiet 3')
        self.rig.tell('records 1')
        self.assertEqual([e.next()[1] for _ in range(4)], [f'own:{i}' for i in range(1, 5)])

    def test_it_resumes_behind_the_last_event(self):
        self.rig.tell('records 500')
        e = self.stream('own:100')
        got = [e.next() for _ in range(400)]
        self.assertEqual([g[1] for g in got], [f'own:{i}' for i in range(101, 501)])
        self.rig.tell('records 1')
        self.assertEqual(e.next()[1], 'own:501')

    def test_live_values_come_between_the_records_of_a_long_backlog(self):
        self.rig.tell('records 3000')
        self.rig.live({'time': 1})
        e = self.stream('own:0')
        kinds = [e.next()[0] for _ in range(2000)]
        self.assertIn('live', kinds[:500])

    def test_lost_records_are_counted(self):
        self.rig.tell('records 30')
        self.rig.tell('drop 25')
        e = self.stream('own:10')
        self.assertEqual(e.next(), ('lost', 'own:25', {'stream': 'own', 'count': 15}))
        self.assertEqual([e.next()[1] for _ in range(5)], [f'own:{i}' for i in range(26, 31)])

    def test_an_id_of_another_log_begins_at_the_newest(self):
        self.rig.tell('records 30')
        for last in ('own:5000', 'import_1:5', 'own:9223372036854775806'):
            e = self.stream(last)
            self.rig.tell('records 1')
            self.assertEqual(e.next()[0], 'record')
            e.close()

    def test_a_bad_id_is_refused(self):
        for last in ('own', 'own:', ':5', 'own:x', 'own:-1', 'own:9223372036854775807', 'o' * 33 + ':1'):
            p = self.problem(self.rig.get('/api/v1/events', {'Last-Event-ID': last}), 400)
            self.assertIn('Last-Event-ID', p['detail'])

    def test_an_unreadable_log_stops_records_not_live(self):
        e = self.stream()
        self.rig.live({'time': 0})
        self.assertEqual(e.next()[0], 'live')
        self.rig.tell('fail -9 0 0')
        self.rig.tell('records 1')
        self.rig.live({'time': 1})
        self.assertEqual(e.next()[0], 'live')
        self.rig.tell('fail 0 0 -9')
        self.rig.tell('records 1')
        self.rig.live({'time': 2})
        self.assertEqual(e.next()[2], {'time': 2})
        self.rig.tell('fail 0 0 0')
        self.rig.tell('records 1')
        self.assertEqual([e.next()[1] for _ in range(3)], ['own:1', 'own:2', 'own:3'])

    def test_there_is_a_limit_and_a_place_becomes_free(self):
        self.rig.live({'time': 1})
        streams = [self.stream() for _ in range(16)]
        self.assertEqual(self.rig.stats()['sse_clients'], 16)
        reply = self.rig.get('/api/v1/events')
        self.problem(reply, 503)
        self.assertEqual(reply.getheader('Retry-After'), '2')
        self.assertEqual(self.rig.stats()['sse_refused'], 1)
        self.assertEqual(self.rig.get('/api/v1/live').status, 200)
        streams[3].close()

        def one_left():
            self.rig.live({'time': 2})
            return self.rig.stats()['sse_clients'] == 15
        wait_until(one_left)
        self.stream()

    def test_head_takes_no_place(self):
        self.assertEqual(self.rig.get('/api/v1/events', method='HEAD').status, 200)
        wait_until(lambda: self.rig.stats()['sse_clients'] == 0)

    def test_entries_of_the_journal_are_events_for_those_who_listen(self):
        self.rig.tell('entry {"seq":1}')
        e = self.stream()
        for k in range(2, 30):
            self.rig.tell('entry {"seq":%d}' % k)
        got = [e.until('journal') for _ in range(12)]
        self.assertEqual({number for _, number, _ in got}, {None})
        seen = [data['seq'] for _, _, data in got]
        self.assertEqual(seen, sorted(seen))
        self.assertGreater(seen[0], 1, 'what came before is in the list')

    def test_a_slow_client_gets_fewer_live_events_and_all_records(self):
        """It reads nothing while 400 big live objects and 400 records go by."""
        padding = 'x' * 20000
        with socket.create_connection(('127.0.0.1', self.rig.port)) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.settimeout(10)
            s.sendall(b'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
            wait_until(lambda: self.rig.stats()['sse_clients'] == 1)
            time.sleep(0.1)
            for i in range(1, 401):
                self.rig.tell('records 1')
                self.rig.live({'time': i, 'padding': padding})
            text = b''
            while b'"sequence":400,' not in text or b'{"time":400,' not in text:
                piece = s.recv(65536)
                self.assertTrue(piece, 'the stream ended')
                text += piece
        records = [int(p.split(b',')[0]) for p in text.split(b'"sequence":')[1:]]
        live = [int(p.split(b',')[0]) for p in text.split(b'data: {"time":')[1:]]
        self.assertEqual(records, list(range(1, 401)))
        self.assertEqual(live, sorted(live))
        self.assertLess(len(live), 200)
        self.assertEqual(live[-1], 400)
        self.assertEqual(self.rig.stats()['live_skipped'], 400 - len(live) - (live[0] - 1))

    def test_silence_is_broken_by_a_comment(self):
        e = self.stream()
        self.rig.tell('later 5000')
        self.rig.tell('tick')  # too early
        self.rig.live({'time': 2})
        self.assertEqual(e.next()[0], 'live')
        self.rig.tell('later 15001')
        self.rig.tell('tick')
        self.assertEqual(e.next()[0], ':')


class StartAndStop(unittest.TestCase):
    def test_open_streams_and_queries_end_with_the_server(self):
        rig = Rig()
        rig.live({'time': 1})
        streams = [rig.events() for _ in range(5)]
        rig.tell('slow 50000')  # eight minutes in all
        query = rig.connect()
        query.request('GET', '/api/v1/query?series=hp_power&from=0&to=10000000&step=1000')
        code, text = rig.stop()  # waits for one
        self.assertEqual(code, 0, text)
        for s in streams:
            s.close()
        query.close()

    def test_a_port_in_use_is_named(self):
        rig = Rig()
        try:
            with self.assertRaisesRegex(RuntimeError, f'127.0.0.1 port {rig.port}: Address already in use'):
                Rig('127.0.0.1', str(rig.port))
        finally:
            rig.stop()

    def test_a_bad_address_is_named(self):
        for address in ('localhost', '127.0.0.256', '127.1', '0', '*', ''):
            with self.assertRaisesRegex(RuntimeError, f"listen: '{address}' is not a numeric".replace('*', r'\*')):
                Rig(address, '0')

    def test_it_listens_on_ipv6(self):
        try:
            rig = Rig('::1', '0')
        except RuntimeError as e:
            self.skipTest(f'no IPv6 here: {e}')
        with socket.create_connection(('::1', rig.port), timeout=5) as s:
            s.sendall(b'GET / HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n')
            self.assertIn(b' 200 OK', s.recv(65536).split(b'\r\n')[0])
        rig.stop()


if __name__ == '__main__':
    unittest.main()
