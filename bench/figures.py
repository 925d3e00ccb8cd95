"""A table of figures: ours, the goal, and others' with the ratio."""


def short(value):
    """Three figures."""
    if value is None:
        return '-'
    return f'{value:.0f}' if abs(value) >= 100 else f'{value:.3g}'


class Table:
    """Rows are named first, values put later; a ratio above 1 says that ours is better by so much."""

    def __init__(self, ours, others):
        self.ours, self.others = ours, others
        self.rows, self.notes = {}, []

    def row(self, figure, goal='', more_is_better=False):
        self.rows[figure] = {'goal': goal, 'more': more_is_better, 'values': {}}

    def put(self, figure, column, value):
        self.rows[figure]['values'][column] = value

    def note(self, text):
        self.notes.append(text)

    def verdict(self, row):
        value = row['values'].get(self.ours)
        if not row['goal'] or value is None:
            return ''
        relation, goal = row['goal'].split()
        met = value >= float(goal) if relation == '>=' else value <= float(goal)
        return 'met' if met else 'MISSED'

    def cell(self, row, column):
        value, ours = row['values'].get(column), row['values'].get(self.ours)
        if value is None:
            return '-'
        if not ours or not value:
            return short(value)
        ratio = ours / value if row['more'] else value / ours
        return f'{short(value)} ({"<0.001" if ratio < 0.001 else short(ratio)}x)'

    def print(self):
        others = [o for o in self.others if any(o in r['values'] for r in self.rows.values())]
        lines = [['figure', self.ours, 'goal', ''] + others]
        for figure, row in self.rows.items():
            lines.append([figure, short(row['values'].get(self.ours)), row['goal'], self.verdict(row)] +
                         [self.cell(row, o) for o in others])
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        for line in lines:
            print(line[0].ljust(widths[0]) + ''.join('  ' + c.rjust(w) for c, w in zip(line[1:], widths[1:])))
        print('in brackets: how many times better heatwatt is; below 1x it is worse')
        for text in self.notes:
            print(text)
