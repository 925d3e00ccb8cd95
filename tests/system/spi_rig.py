"""What tests of converters on SPI have in common: the model of tests/spidev_model.c, preloaded into the unmodified programs."""
import math
import os

from harness import SystemTest

V_PER_CODE, A_PER_CODE = 0.209090909, 0.01
VOLTS, HP, OVEN, SOLAR = 1555, 1000, 100, 800  # codes, peak
WAVES = f"""hz 50
noise 0.8
wave 0 0 {VOLTS} 0
wave 0 1 {HP} 60
wave 0 2 {OVEN} 0
wave 2 0 {VOLTS} 0
wave 2 1 {SOLAR} 180
"""
CONFIG = """version: 1
site: {{name: Converters}}
data_dir: {folder}/data
clock: {{trust: always}}
http: {{listen: 127.0.0.1, port: {port}}}
record: {{interval_s: 1}}
log: {{commit_s: 1, max_mb: 64}}
sources:
  - id: board
    type: samples
    spidev: /dev/spidev0.0
    spidev_2: /dev/spidev1.0
    voltages:
      - {{id: mains, slot: 0, ratio: 0.209090909}}
      - {{id: mains_b, slot: 8, ratio: 0.209090909}}
    clamps:
      - {{id: hp, slot: 1, voltage: mains, ratio: 0.01}}
      - {{id: oven, slot: 2, voltage: mains, ratio: 0.01}}
      - {{id: solar, slot: 9, voltage: mains_b, ratio: 0.01}}
"""


def rms(codes, ratio):
    return codes / math.sqrt(2) * ratio


class SpiTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.model = self.folder / 'model'
        self.env = {'LD_PRELOAD': os.environ['HEATWATT_BUILD'] + '/tests/libspidev_model.so', 'SPIDEV_MODEL': str(self.model)}
        self.tell('')

    def tell(self, faults):
        """The model reads the file anew when it is another."""
        following = self.folder / 'model.next'
        following.write_text(WAVES + faults)
        following.rename(self.model)

    def write(self, port=0):
        path = self.folder / 'heatwatt.yaml'
        path.write_text(CONFIG.format(folder=self.folder, port=port))
        return path

    def start(self, port=0):
        return self.daemon(self.write(port), env=self.env)

    def counters(self, daemon):
        return {'torn_batches': 0, 'retries': 0, **daemon.source('board')['counters']}

    def ok(self, daemon):
        return daemon.source('board')['state'] == 'ok' and daemon.value('hp_power') is not None
