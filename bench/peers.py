"""The daemons beside ours: started on free ports of 127.0.0.1 with data in a folder of the bench, stopped by pid.

Each knows its own words for the five questions and turns its replies into the lists of numbers that all engines give.
"""
import json
import shutil
import socket
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import Program, wait_for


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def request(port, path, data=None):
    url = f'http://127.0.0.1:{port}{path}'
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=60) as reply:
        return reply.read()


def wait_until_still(size, still_s, timeout_s):
    """Until size() has not changed for still_s: background work is over. False: it went on."""
    last, since, end = size(), time.monotonic(), time.monotonic() + timeout_s
    while time.monotonic() < end:
        time.sleep(0.25)
        now = size()
        if now != last:
            last, since = now, time.monotonic()
        elif time.monotonic() - since >= still_s:
            return True
    return False


class Peer:
    """form: what log_engines post sends; write: where to. folder: for its settings and messages; data: for its files;
    hurry: its background work is to be done in seconds after an import, rather than as it is set up."""

    def __init__(self, folder, year, data, hurry):
        self.folder, self.year, self.data, self.hurry, self.port = folder, year, data, hurry, free_port()
        folder.mkdir(exist_ok=True)
        data.mkdir(exist_ok=True)
        self.program = Program(self.command(), folder, self.name, self.environment())
        try:
            wait_for(f'{self.name} answers', self.answers, 30, 0.1)
            self.began()
        except BaseException:
            self.stop()
            raise

    @classmethod
    def installed(cls):
        return shutil.which(cls.binary) is not None

    def environment(self):
        return {}

    def answers(self):
        try:
            request(self.port, self.ping)
            return True
        except OSError:
            return False

    def began(self):
        """Nothing more to set up."""

    def stop(self):
        self.program.stop(timeout_s=60)

    def pid(self):
        return self.program.process.pid

    def send(self, number):
        """A record as of now."""
        row = self.year.row(number)
        fields = ','.join(f'{s}={self.number_text(v, self.year.decimals[s])}' for s, v in zip(self.year.series, row))
        request(self.port, self.write, f'house {fields} {int(time.time())}\n'.encode())


class Influx(Peer):
    """Whole numbers, its smallest form: floats take three times the space. Its monitoring of itself is off."""
    name, column, binary, ping = 'influxdb', 'InfluxDB', 'influxd', '/ping'
    form, write = 'integers', '/write?db=bench&precision=s'

    @staticmethod
    def number_text(v, decimals):
        return f'{v}i'

    def command(self):
        empty = self.folder / 'influxdb.conf'
        empty.write_text('')
        return [self.binary, 'run', '-config', empty]

    def environment(self):
        settings = {'HTTP_BIND_ADDRESS': f'127.0.0.1:{self.port}', 'BIND_ADDRESS': f'127.0.0.1:{free_port()}',
                    'META_DIR': self.data / 'meta', 'DATA_DIR': self.data / 'data', 'DATA_WAL_DIR': self.data / 'wal',
                    'MONITOR_STORE_ENABLED': 'false', 'REPORTING_DISABLED': 'true', 'HTTP_LOG_ENABLED': 'false',
                    'DATA_QUERY_LOG_ENABLED': 'false', 'LOGGING_LEVEL': 'error'}
        if self.hurry:  # else what is left is written after ten minutes and compacted after hours
            settings.update({'DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION': '3s', 'DATA_COMPACT_FULL_WRITE_COLD_DURATION': '3s'})
        return {'HOME': str(self.folder), **{f'INFLUXDB_{k}': str(v) for k, v in settings.items()}}

    def began(self):
        request(self.port, '/query', b'q=CREATE+DATABASE+bench')

    def settle(self, size):
        return wait_until_still(size, 6, 60)

    def paths(self):
        y = self.year

        def path(select, frm=y.from_ms, to=y.to_ms, rest=''):
            q = f'SELECT {select} FROM house WHERE time >= {frm}ms AND time < {to}ms {rest}'
            return '/query?' + urllib.parse.urlencode({'db': 'bench', 'epoch': 'ms', 'q': q})

        each = ','.join(y.series)
        parts = ','.join(f'{fn}({s})' for s in y.q5_series for fn in ('mean', 'min', 'max'))
        return [path(f'mean({y.q1_series})', rest='GROUP BY time(1h)'),
                path(each, y.day_ms, y.day_ms + y.day_long_ms),
                path(f'difference(last({y.q3_series}))', rest='GROUP BY time(1d)'),
                path(each, rest='ORDER BY time DESC LIMIT 1'),
                path(parts, rest=f'GROUP BY time({y.step_ms}ms, {y.from_ms % y.step_ms}ms)')]

    def numbers(self, q, body):
        y = self.year
        rows = json.loads(body)['results'][0]['series'][0]['values']
        series = ([y.q1_series], y.series, [y.q3_series], y.series, [s for s in y.q5_series for _ in range(3)])[q]
        return [row[i + 1] / 10 ** y.decimals[s] for i, s in enumerate(series) for row in rows]


class VictoriaMetrics(Peer):
    name, column, binary, ping = 'victoria-metrics', 'VictoriaMetrics', 'victoria-metrics', '/health'
    form, write = 'decimals', '/write?precision=s'

    @staticmethod
    def number_text(v, decimals):
        return f'{v / 10 ** decimals:.{decimals}f}'

    def command(self):
        return [self.binary, f'-httpListenAddr=127.0.0.1:{self.port}', f'-storageDataPath={self.data}',
                '-retentionPeriod=100y', '-loggerLevel=ERROR', '-selfScrapeInterval=0']

    def settle(self, size):
        request(self.port, '/internal/force_flush')
        request(self.port, '/internal/force_merge')
        return wait_until_still(size, 4, 60)

    def paths(self):
        """A window of its ends with its last ms: (t - d, t]."""
        y = self.year

        def seconds(ms):
            return f'{ms / 1000:.3f}'

        def path(query, frm, step_ms):
            return '/api/v1/query_range?' + urllib.parse.urlencode(
                {'query': query, 'start': seconds(frm + step_ms - 1), 'end': seconds(y.to_ms - 1),
                 'step': seconds(step_ms), 'nocache': 1})

        four = '{__name__=~"house_(%s)"}' % '|'.join(y.q5_series)
        return [path(f'avg_over_time(house_{y.q1_series}[1h])', y.from_ms, 3600000),
                '/api/v1/export?' + urllib.parse.urlencode(
                    {'match[]': '{__name__=~"house_.+"}', 'start': seconds(y.day_ms),
                     'end': seconds(y.day_ms + y.day_long_ms - 1)}),
                path(f'increase(house_{y.q3_series}[1d])', y.from_ms + y.day_long_ms, y.day_long_ms),
                '/api/v1/query?' + urllib.parse.urlencode(
                    {'query': '{__name__=~"house_.+"}', 'time': seconds(y.to_ms - 10000), 'nocache': 1}),
                path(f'rollup({four}[{y.step_ms}ms]) keep_metric_names', y.from_ms, y.step_ms)]

    def numbers(self, q, body):
        y = self.year
        if q == 1:
            lines = [json.loads(line) for line in body.splitlines()]
            by_name = {line['metric']['__name__']: line['values'] for line in lines}
            return [v for s in y.series for v in by_name[f'house_{s}']]
        result = json.loads(body)['data']['result']
        if q == 3:
            by_name = {r['metric']['__name__']: float(r['value'][1]) for r in result}
            return [by_name[f'house_{s}'] for s in y.series]
        if q == 4:
            columns = {(r['metric']['__name__'], r['metric']['rollup']): r['values'] for r in result}
            return [float(v) for s in y.q5_series for fn in ('avg', 'min', 'max') for _, v in columns[f'house_{s}', fn]]
        return [float(v) for _, v in result[0]['values']]


PEERS = (Influx, VictoriaMetrics)
