"""A daemon on the plant that can be started anew at its address, and what is added to it."""
import json
import socket
import urllib.error
import urllib.request

from harness import SystemTest, wait_for, write_config


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def post(url, body):
    """(status, reply)"""
    request = urllib.request.Request(url + '/api/v1/sources', json.dumps(body).encode(), {'Content-Type': 'application/json'})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as e:
        with e:
            return e.code, json.loads(e.read())


def starts(daemon):
    return daemon.said().count('listening url=')


def channels(daemon):
    """Of the running daemon; {} while it is not there."""
    try:
        return {c['id']: c for c in daemon.live()['channels']}
    except OSError:
        return {}


class AnewTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.house = self.plant(speed=1, extra=('--mbus-meters', '2'))
        self.config = write_config(self.house, record_s=1, commit_s=1, poll_s=2)
        text = self.config.read_text().replace('port: 0}', f'port: {free_port()}}}  # the page')
        self.config.write_text(text.replace('roles:', '\n# Who is who\nroles:'))
        self.config.chmod(0o640)
        self.run_it = self.daemon(self.config)
        wait_for('the clamps', lambda: channels(self.run_it).get('hp_power', {}).get('value') is not None)

    def source(self, **changes):
        return {'id': 'house', 'type': 'mbus', 'label': 'Electricity, all of the house', 'port': str(self.house.meter), 'baud': 2400,
                'address': 2, 'secondary': None, 'measures': 'electricity', 'timeout_ms': 300, **changes}
