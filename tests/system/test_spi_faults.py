"""Converters on SPI: stalls, failed messages, unplugging, and nobody on the line."""
import time

from harness import wait_for
from spi_rig import A_PER_CODE, HP, V_PER_CODE, VOLTS, SpiTest, rms


class SpiFaults(SpiTest):
    def test_stalls_are_gaps_and_errors_are_recovered_from(self):
        daemon = self.start()
        wait_for('values', lambda: self.ok(daemon))
        before = self.counters(daemon)['dropped_scans']
        self.tell('stall_us 5000 40\neio 3\n')
        wait_for('gaps', lambda: self.counters(daemon)['torn_batches'] > 2 and self.counters(daemon)['retries'] >= 3)
        wait_for('dropped scans', lambda: self.counters(daemon)['dropped_scans'] > before + 100)
        gap_s = daemon.value('device_gap')
        self.tell('unplugged 1\n')
        wait_for('its failure', lambda: daemon.source('board')['state'] == 'failed')
        cause = daemon.source('board')['cause']
        self.assertIn('/dev/spidev', cause)
        wait_for('no device', lambda: 'is SPI switched on?' in daemon.source('board')['cause'])
        unplugged = time.monotonic()
        imported = daemon.value('hp_import')
        self.tell('')
        wait_for('values again', lambda: self.ok(daemon))
        self.assertGreaterEqual(daemon.value('device_gap') - gap_s, time.monotonic() - unplugged - 3.5)
        wait_for('energy', lambda: daemon.value('hp_import') > imported)
        wait_for('wholeness', lambda: abs((daemon.value('hp_power') or 0) - rms(VOLTS, V_PER_CODE) * rms(HP, A_PER_CODE) / 2) < 8)
        self.tell('silent 1\n')
        wait_for('silence', lambda: 'no converter answers' in (daemon.source('board')['cause'] or ''))
        daemon.stop()
