import type { FlowWay } from './flow-ways.ts'

/*
 * A flow drawn in layers, from its first action down: ways go from layer to layer, and past boxes by points of their own.
 */

/** Of a box, and between boxes, in units of the drawing. */
export const boxWidth = 168
export const boxHeight = 46
const GAP = 26
const LANE = 22
const FALL = 58

/** Where a thing stands. */
export interface DrawnPoint {
  readonly x: number
  readonly y: number
}

/** A way as it is drawn: from its box through points to another. */
export interface DrawnWay extends FlowWay {
  readonly points: readonly DrawnPoint[]
}

/** A flow as it is drawn. */
export interface Drawing {
  readonly width: number
  readonly height: number
  /** The top left corner of each action's box, by its place. */
  readonly boxes: readonly DrawnPoint[]
  readonly ways: readonly DrawnWay[]
}

/** A box, or a point by which a way passes a layer. */
interface Spot {
  readonly layer: number
  x: number
  readonly width: number
  readonly up: Spot[]
  readonly down: Spot[]
}

/** Draws a flow of so many actions. */
export function drawn(count: number, all: readonly FlowWay[]): Drawing {
  const ways = all.filter((way) => way.to !== undefined && way.to !== way.from)
  const back = backWays(count, ways)
  const layers = layersOf(count, ways, back)
  const boxes = layers.map((layer): Spot => ({ layer, x: 0, width: boxWidth, up: [], down: [] }))
  const lanes = new Map(ways.map((way) => [way, lanesOf(way, boxes, back.has(way))]))
  const rows = rowsOf([...boxes, ...[...lanes.values()].flat()])
  arrange(rows)
  const width = Math.max(boxWidth, ...rows.flat().map(({ x, width: own }) => x + own / 2)) + GAP
  const corner = ({ x, layer }: Spot) => ({ x: x - boxWidth / 2, y: topOf(layer) })
  return {
    width,
    height: rows.length * (boxHeight + FALL) - FALL + 2 * GAP,
    boxes: boxes.map(corner),
    ways: ways.map((way) => ({ ...way, points: pointsOf(way, boxes, lanes.get(way) ?? [], ways, back) })),
  }
}

function topOf(layer: number): number {
  return GAP + layer * (boxHeight + FALL)
}

/** The ways which lead back to where a flow came by: without them there is no circle. */
function backWays(count: number, ways: readonly FlowWay[]): Set<FlowWay> {
  const back = new Set<FlowWay>()
  const state = new Map<number, 'open' | 'done'>()
  const visit = (place: number) => {
    state.set(place, 'open')
    for (const way of ways.filter(({ from }) => from === place)) {
      const to = way.to ?? 0
      if (state.get(to) === 'open') back.add(way)
      else if (!state.has(to)) visit(to)
    }
    state.set(place, 'done')
  }
  for (let place = 0; place < count; place += 1) if (!state.has(place)) visit(place)
  return back
}

/** How far down each action stands: below all which lead to it. What no way leads to stands beneath the rest. */
function layersOf(count: number, ways: readonly FlowWay[], back: ReadonlySet<FlowWay>): number[] {
  const layers = Array.from({ length: count }, () => 0)
  const forward = ways.filter((way) => !back.has(way))
  const settle = () => {
    // As often as there are actions, at most: a way down makes one of them lower each time.
    for (let moved = true; moved; ) {
      moved = false
      for (const { from, to = 0 } of forward) {
        if ((layers[to] ?? 0) > (layers[from] ?? 0)) continue
        layers[to] = (layers[from] ?? 0) + 1
        moved = true
      }
    }
  }
  settle()
  const reached = new Set<number>()
  for (let place = 0; place < count; place += 1) {
    if (reached.has(place)) continue
    if (place > 0) layers[place] = Math.max(...[...reached].map((one) => layers[one] ?? 0)) + 1
    reach(place, ways, reached)
    settle()
  }
  return layers
}

/** Adds what a flow comes to from an action. */
function reach(from: number, ways: readonly FlowWay[], reached: Set<number>): void {
  const coming = [from]
  for (let place = coming.pop(); place !== undefined; place = coming.pop()) {
    if (reached.has(place)) continue
    reached.add(place)
    for (const way of ways) if (way.from === place && way.to !== undefined) coming.push(way.to)
  }
}

/** The points by which a way passes the layers between its ends. */
function lanesOf({ from, to = 0 }: FlowWay, boxes: readonly Spot[], isBack: boolean): Spot[] {
  const [upper, lower] = isBack ? [boxes[to], boxes[from]] : [boxes[from], boxes[to]]
  if (!upper || !lower) return []
  const lanes: Spot[] = []
  let last = upper
  for (let layer = upper.layer + 1; layer <= lower.layer; layer += 1) {
    const next: Spot = layer === lower.layer ? lower : { layer, x: 0, width: LANE, up: [], down: [] }
    last.down.push(next)
    next.up.push(last)
    if (next !== lower) lanes.push(next)
    last = next
  }
  return isBack ? lanes.reverse() : lanes
}

function rowsOf(nodes: readonly Spot[]): Spot[][] {
  const rows: Spot[][] = []
  for (const node of nodes) {
    rows[node.layer] ??= []
    rows[node.layer]?.push(node)
  }
  return rows.map((row) => row ?? [])
}

/** Sets nodes side by side, each near those it hangs together with: from the top, from below, and from the top again. */
function arrange(rows: readonly Spot[][]): void {
  for (const row of rows) spread(row, () => undefined)
  for (let sweep = 0; sweep < 4; sweep += 1) {
    const downwards = sweep % 2 === 0
    for (const row of downwards ? rows : [...rows].reverse()) {
      const middle = (node: Spot) => {
        const near = downwards ? node.up : node.down
        return near.length === 0 ? undefined : near.reduce((sum, { x }) => sum + x, 0) / near.length
      }
      row.sort((one, other) => (middle(one) ?? one.x) - (middle(other) ?? other.x))
      spread(row, middle)
    }
  }
  const left = Math.min(...rows.flat().map(({ x, width }) => x - width / 2))
  for (const node of rows.flat()) node.x += GAP - left
}

/** Gives each of a row its place: where it would be, or as near to that as those beside it leave. */
function spread(row: readonly Spot[], wanted: (node: Spot) => number | undefined): void {
  let edge = Number.NEGATIVE_INFINITY
  const aims = row.map((node) => wanted(node) ?? node.x)
  for (const [at, node] of row.entries()) {
    node.x = Math.max(
      aims[at] ?? 0,
      edge === Number.NEGATIVE_INFINITY ? (aims[at] ?? 0) : edge + node.width / 2,
    )
    edge = node.x + node.width / 2 + GAP
  }
  // All were pushed to the right: half of that is given back.
  const pushed = row.reduce((sum, node, at) => sum + node.x - (aims[at] ?? 0), 0) / Math.max(1, row.length)
  for (const node of row) node.x -= pushed
}

/** A way which leads down leaves below and arrives above; one which leads back goes by the right sides. */
function pointsOf(
  way: FlowWay,
  boxes: readonly Spot[],
  lanes: readonly Spot[],
  ways: readonly FlowWay[],
  back: ReadonlySet<FlowWay>,
): DrawnPoint[] {
  const [from, to] = [boxes[way.from], boxes[way.to ?? 0]]
  if (!from || !to) return []
  const passed = lanes.map(({ x, layer }) => ({ x, y: topOf(layer) + boxHeight / 2 }))
  if (back.has(way)) {
    const side = (node: Spot) => ({ x: node.x + boxWidth / 2, y: topOf(node.layer) + boxHeight / 2 })
    return [side(from), ...passed, side(to)]
  }
  const leaving = ways.filter((one) => one.from === way.from && !back.has(one))
  const arriving = ways.filter((one) => one.to === way.to && !back.has(one))
  const start = { x: from.x + offset(leaving, way, 26), y: topOf(from.layer) + boxHeight }
  const end = { x: to.x + offset(arriving, way, 12), y: topOf(to.layer) }
  return [start, ...passed, end]
}

function offset(ways: readonly FlowWay[], way: FlowWay, step: number): number {
  const [count, at] = [ways.length, ways.indexOf(way)]
  return (at - (count - 1) / 2) * Math.min(step, (boxWidth - 30) / Math.max(1, count))
}
