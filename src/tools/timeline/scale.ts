/** A stretch of time on a row of cells: to scale, or folded, that is drawn much shorter than it is. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
  /** Where it begins, in cells. */
  readonly start: number;
  readonly width: number;
  readonly folded: boolean;
}

/** Instants to cells. */
export interface Scale {
  readonly columns: number;
  readonly stretches: readonly Stretch[];
  /** The cell in which an instant lies; before the first and after the last it is -1 and `columns`. */
  columnOf(atMs: number): number;
}

export interface ScaleInput {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly columns: number;
  /** Instants at which something changes: between two of them nothing is lost by folding. */
  readonly edges: readonly number[];
  /** What must remain readable: how long the phases of the kind that is shortest are. Infinity: nothing is short. */
  readonly phaseMs: number;
  readonly nowMs: number;
}

/** Cells that a folded stretch gets at the least and at the most. */
const foldedWidth = { least: 8, most: 20 };
/** A stretch is not worth folding below this many cells. */
const worthFolding = 2 * foldedWidth.least;
/** The share of the cells that all folds together take, where `foldedWidth` allows. */
const foldedShare = 0.6;
/** Below this many cells nobody sees how long a phase is. */
const readable = 4;

interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
  readonly folded: boolean;
}

const lengthOf = (gap: Gap): number => gap.toMs - gap.fromMs;

/**
 * Lays the time out on the cells. To scale where that shows every phase; a rotation of hours every month would be a speck,
 * so the long stretches in which nothing happens are folded, the longest first, until the rest can be read.
 */
export function scaleOf(input: ScaleInput): Scale {
  const { columns } = input;
  const gaps = withFolds(gapsOf(input), input);
  const folds = gaps.filter((g) => g.folded).length;
  const share = Math.floor((columns * foldedShare) / Math.max(1, folds));
  const cells = Math.min(foldedWidth.most, Math.max(foldedWidth.least, share));
  const msPerCell = sum(gaps.filter((g) => !g.folded).map(lengthOf)) / Math.max(1, columns - cells * folds);
  const stretches: Stretch[] = [];
  let start = 0;
  for (const gap of gaps) {
    for (const { part, width } of gap.folded ? parts(gap, cells, input.nowMs) : [whole(gap, msPerCell)]) {
      stretches.push({ ...part, start, width });
      start += width;
    }
  }
  return { columns, stretches, columnOf: (atMs) => columnOf(atMs, stretches, columns) };
}

interface Laid {
  readonly part: Gap;
  readonly width: number;
}

const whole = (part: Gap, msPerCell: number): Laid => ({ part, width: lengthOf(part) / msPerCell });

/** A fold in which now lies is one before it and one after it, so that the mark stands where it belongs. */
function parts(gap: Gap, cells: number, nowMs: number): readonly Laid[] {
  if (nowMs <= gap.fromMs || nowMs >= gap.toMs) return [{ part: gap, width: cells }];
  const share = (nowMs - gap.fromMs) / lengthOf(gap);
  const width = Math.min(cells - 1, Math.max(1, Math.round(cells * share)));
  return [
    { part: { ...gap, toMs: nowMs }, width },
    { part: { ...gap, fromMs: nowMs }, width: cells - width },
  ];
}

function columnOf(atMs: number, stretches: readonly Stretch[], columns: number): number {
  const [first] = stretches;
  if (!first || atMs < first.fromMs) return -1;
  const within = stretches.find((s) => atMs < s.toMs);
  if (!within) return columns;
  const cell = within.start + (within.width * (atMs - within.fromMs)) / (within.toMs - within.fromMs);
  // Sums of fractions: an edge that lies on a cell's border must not slip into the cell before
  return Math.min(columns - 1, Math.floor(cell + 1e-6));
}

function gapsOf({ fromMs, untilMs, edges }: ScaleInput): readonly Gap[] {
  const inside = [...new Set(edges)].filter((e) => e > fromMs && e < untilMs).sort((a, b) => a - b);
  const borders = [fromMs, ...inside, untilMs];
  return borders.slice(1).map((toMs, index) => ({ fromMs: borders[index] ?? fromMs, toMs, folded: false }));
}

function withFolds(gaps: readonly Gap[], input: ScaleInput): readonly Gap[] {
  const { columns, phaseMs } = input;
  const open = gaps.filter((g) => !g.folded);
  const cells = columns - foldedWidth.least * (gaps.length - open.length);
  const msPerCell = sum(open.map(lengthOf)) / cells;
  const longest = open.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a), { fromMs: 0, toMs: 0, folded: false });
  const isWorthIt = lengthOf(longest) / msPerCell >= worthFolding && cells - worthFolding >= columns / 3;
  if (phaseMs / msPerCell >= readable || !isWorthIt || open.length < 2) return gaps;
  return withFolds(
    gaps.map((gap) => (gap === longest ? { ...gap, folded: true } : gap)),
    input,
  );
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
