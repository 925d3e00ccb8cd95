"""A sampler of three phases, made here: voltages, clamps, a load between two phases, a sensor's curve, a clamp turned round, a
group with its registers, and what is measured on request: distortion, displacement, quadrants, harmonics."""
import math
import socket
import struct
import threading

from harness import SystemTest, wait_for

PERIOD_S, BITS, SCANS = 149.94e-6, 12, 200
CODES_V, CODES_A = 1100 / 230, 11.8

CONFIG = """version: 1
site: {{name: Three phases, timezone: Europe/Berlin}}
data_dir: {folder}/data
http: {{listen: 127.0.0.1, port: 0}}
sources:
  - id: clamps
    type: samples
    socket: {folder}/samples.sock
    voltages:
      - {{id: l1, slot: 0, ratio: {volt}, phase: 1}}
      - {{id: l2, slot: 1, ratio: {volt}, phase: 2}}
      - {{id: l3, slot: 2, ratio: {volt}, phase: 3}}
    clamps:
      - {{id: hob, slot: 3, voltage: l1, minus: l2, ratio: {amp}}}
      - {{id: oven, slot: 4, voltage: l3, ratio: {amp}, consumer: true}}
      - {{id: hp, slot: 5, voltage: l2, ratio: {amp}, curve: [{{level: 1, factor: 2}}, {{level: 100, factor: 1}}]}}
      - {{id: shed, slot: 6, voltage: l1, shift_deg: 120, ratio: {amp}, measure: [thd, harmonics, cos_phi]}}
      - {{id: pump, slot: 7, voltage: l1, ratio: {amp}, measure: [cos_phi, reactive_energy]}}
    groups:
      - {{id: house, label: House, clamps: [oven, hp, pump]}}
roles: {{elec: house}}
"""

# kind, codes for each unit, RMS, degrees behind phase 1
SLOTS = ((1, CODES_V, 230, 0), (1, CODES_V, 230, 240), (1, CODES_V, 230, 120),  # the order 1, 3, 2
         (2, CODES_A, 10, 30), (2, CODES_A, 5, 300), (2, CODES_A, 10, 240), (2, CODES_A, 4, 120), (2, CODES_A, 4, 60))
THIRD = {6: 0.2}  # a third harmonic, of the fundamental


def crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)
    return table


TABLE = crc_table()


def crc32c(octets):
    crc = 0xFFFFFFFF
    for o in octets:
        crc = crc >> 8 ^ TABLE[(crc ^ o) & 0xFF]
    return crc ^ 0xFFFFFFFF


def block(sequence):
    """docs/SAMPLE_STREAM.md"""
    first, codes = sequence * SCANS, []
    for n in range(first, first + SCANS):
        for slot, (_, scale, rms, lag) in enumerate(SLOTS):
            turns = 50 * PERIOD_S * (n + slot / 15) - lag / 360
            wave = math.sin(2 * math.pi * turns) + THIRD.get(slot, 0) * math.sin(6 * math.pi * turns)
            codes.append(round(scale * rms * math.sqrt(2) * wave) + 2048)
    payload = struct.pack(f'<{len(codes)}H', *codes)
    out = struct.pack('<4sBBHIIQqIIHBBB3x', b'HWTS', 1, 0, 48 + 4 * len(SLOTS), len(payload), sequence,
                      int(first * PERIOD_S * 1e6), 0, 0, round(PERIOD_S * 1e12), SCANS, len(SLOTS), BITS, 2)
    out += b''.join(struct.pack('<BBH', kind, n, n * 65536 // 15) for n, (kind, *_) in enumerate(SLOTS)) + payload
    return out + struct.pack('<I', crc32c(out))


class ThreePhases(SystemTest):
    def sampler(self, *runs):
        """Sends each run of blocks to one connection, as fast as they are read; the line stays open until the test ends."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self.folder / 'samples.sock'))
        listener.listen(1)
        self.addCleanup(listener.close)
        peers = []

        def serve():
            for blocks in runs:
                peers.append(listener.accept()[0])
                for b in blocks:
                    peers[-1].sendall(b)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(lambda: (thread.join(5), [p.close() for p in peers]))

    def run_daemon(self):
        config = self.folder / 'three.yaml'
        config.write_text(CONFIG.format(folder=self.folder, volt=1 / CODES_V, amp=1 / CODES_A))
        daemon = self.daemon(config)
        wait_for('7 s measured', lambda: (daemon.source('clamps')['counters'].get('blocks') or 0) >= 240)
        return daemon

    def values(self, daemon, channel, least=0):
        """All values, once this channel has one above `least`."""
        wait_for(channel, lambda: (daemon.value(channel) or 0) > least)
        return {c['id']: c['value'] for c in daemon.live()['channels']}

    def test_what_the_configuration_says_of_inputs_reaches_the_meter(self):
        self.sampler([block(n) for n in range(240)])  # 7.2 s
        daemon = self.run_daemon()
        counters = wait_for('the flags', lambda: (lambda c: c if c.get('sequence') and c.get('reversed') else None)(
            daemon.source('clamps')['counters']))
        # V1 - V2 with V2 240 degrees behind V1 lags V1 by 30: in phase with the hob's current.
        want = {'hob_power': 230 * math.sqrt(3) * 10, 'hob_apparent_power': 230 * math.sqrt(3) * 10,
                'oven_power': -230 * 5, 'hp_power': 230 * 10 * 1.4247, 'hp_current': 14.247, 'shed_power': 230 * 4}
        live = {c['id']: c for c in daemon.live()['channels']}
        for channel, value in want.items():
            self.assertAlmostEqual(live[channel]['value'], value, delta=abs(value) * 2e-3, msg=channel)
        self.assertEqual(live['shed_power']['quality'], 'suspect')  # derived
        self.assertEqual(live['hob_power']['quality'], 'good')
        self.assertEqual([counters[k] for k in ('reversed', 'sequence', 'phase_lost', 'no_voltage', 'clipped')], [1, 1, 0, 0, 0])
        source = daemon.source('clamps')
        self.assertIn('oven: feeds back', source['cause'])
        self.assertIn('source=oven flag=reversed', daemon.said())

    def test_what_is_asked_for_is_measured_and_the_groups_registers_are_by_vector_and_by_phase(self):
        self.sampler([block(n) for n in range(240)])
        v = self.values(self.run_daemon(), 'device_measured', 7)
        for channel, want in {'shed_thd': 20, 'shed_harmonic_3': 20, 'shed_cos_phi': 1, 'pump_cos_phi': 0.5}.items():
            self.assertAlmostEqual(v[channel], want, delta=0.01 * want, msg=channel)
        self.assertLess(max(v[f'shed_harmonic_{h}'] for h in range(2, 41) if h != 3), 0.5)
        hp, oven, pump, seconds = 230 * 10 * 1.4247, -230 * 5, 230 * 4 / 2, v['device_measured']
        self.assertAlmostEqual(v['house_power'], hp + oven + pump, delta=5)
        self.assertAlmostEqual(v['heatpump_elec_power'], v['house_power'], delta=5)
        self.assertAlmostEqual(v['house_import'], (hp + oven + pump) * seconds / 3600, delta=0.03)  # the oven's is netted
        self.assertEqual(v['house_export'], 0)
        self.assertAlmostEqual(v['house_summed_import'], (hp + pump) * seconds / 3600, delta=0.03)
        self.assertAlmostEqual(v['house_summed_export'], -oven * seconds / 3600, delta=0.03)
        self.assertAlmostEqual(v['house_summed_import'] - v['house_summed_export'], v['house_import'], delta=0.01)
        self.assertAlmostEqual(v['pump_reactive_q1'], 230 * 4 * math.sin(math.pi / 3) * seconds / 3600, delta=0.05)
        self.assertEqual([v[f'pump_reactive_q{q}'] for q in (2, 3, 4)], [0, 0, 0])
        volts, amps = math.sqrt((230 ** 2) * 3), math.sqrt(14.247 ** 2 + 5 ** 2 + 4 ** 2)
        self.assertAlmostEqual(v['house_apparent_power'], volts * amps, delta=0.005 * volts * amps)  # the effective

    def test_registers_of_groups_and_quadrants_go_on_after_a_restart(self):
        blocks = [block(n) for n in range(480)]
        self.sampler(blocks[:240], blocks[240:])
        daemon = self.run_daemon()
        before = self.values(daemon, 'pump_reactive_q1', 1.5)
        daemon.stop()
        after = self.values(self.run_daemon(), 'pump_reactive_q1', 1.9 * before['pump_reactive_q1'])
        for channel in ('pump_reactive_q1', 'house_import', 'house_summed_import', 'house_summed_export'):
            self.assertAlmostEqual(after[channel], 2 * before[channel], delta=0.1 * before[channel], msg=channel)


if __name__ == '__main__':
    import unittest
    unittest.main()
