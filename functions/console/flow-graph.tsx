import { useEffect, useRef } from 'preact/hooks'
import { boxHeight, boxWidth, type DrawnPoint, type DrawnWay, drawn } from './flow-layout.ts'
import type { FlowWalk } from './flow-walk.ts'
import { actionName, actionWords, type WrittenAction, waysOf } from './flow-ways.ts'

interface GraphOf {
  readonly actions: readonly WrittenAction[]
  /** Which version it is of; empty: the flow which is looked at. */
  readonly of?: string
  /** What it went through, as far as it is shown; undefined: it was not tried. */
  readonly walk?: FlowWalk | undefined
  /** Places of actions which are refused. */
  readonly refused?: ReadonlySet<number>
  /** Is told which action was pressed; those who go by keyboard have the list of actions. */
  readonly choose?: (place: number) => void
}

/** A flow drawn: its actions as boxes, its ways as lines between them, what was gone through lit. */
export function FlowGraph({ actions, of = '', walk, refused = new Set(), choose }: GraphOf) {
  const { width, height, boxes, ways } = drawn(actions.length, waysOf(actions))
  const window = useRef<HTMLElement>(null)
  const at =
    boxes[
      Math.max(
        0,
        actions.findIndex((_, place) => walk?.isAt(place)),
      )
    ]
  const [x, y] = [at?.x ?? 0, at?.y ?? 0]
  // Where it stands is seen, however wide it is; at first that is where it begins.
  useEffect(() => {
    const { clientWidth = 0, clientHeight = 0 } = window.current ?? {}
    window.current?.scrollTo(x - (clientWidth - boxWidth) / 2, y - (clientHeight - boxHeight) / 2)
  }, [x, y])
  const words = `The flow drawn: ${actions.length} actions. The list of actions says the same in words.`
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what is wider than its window is moved by keyboard, too.
    <section class="flow-graph" tabIndex={0} aria-label={`Drawing of ${of || 'the flow'}`} ref={window}>
      <svg viewBox={`0 0 ${width} ${height}`} width={width} height={height} role="img" aria-label={words}>
        {ways.map((way, place) => (
          <Way key={`${way.from} ${way.to} ${way.label} ${place}`} way={way} lit={walk?.took(way) ?? false} />
        ))}
        {actions.map((action, place) => (
          <Box
            key={`${place} ${action.id}`}
            action={action}
            at={boxes[place] ?? { x: 0, y: 0 }}
            looks={[
              ...(walk?.passed(place) ? ['lit'] : []),
              ...(walk?.isAt(place) ? ['now'] : []),
              ...(refused.has(place) ? ['refused'] : []),
            ]}
            press={choose && (() => choose(place))}
          />
        ))}
      </svg>
    </section>
  )
}

interface BoxOf {
  readonly action: WrittenAction
  readonly at: DrawnPoint
  readonly looks: readonly string[]
  readonly press: (() => void) | undefined
}

function Box({ action, at: { x, y }, looks, press }: BoxOf) {
  const [name, words] = [actionName(action), actionWords(action)]
  const does = words || (action.type === name ? '' : action.type)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the list of actions does the same for a keyboard.
    <g class={['box', ...looks].join(' ')} onClick={press}>
      <title>{`${action.id}: ${action.type} ${words}`}</title>
      <rect x={x} y={y} width={boxWidth} height={boxHeight} rx="9" />
      <text x={x + 12} y={y + 19} class="name">
        {shortened(`${looks.includes('refused') ? '✕ ' : ''}${name}`, 17)}
      </text>
      <text x={x + 12} y={y + 36} class="does">
        {shortened(does, 24)}
      </text>
    </g>
  )
}

function Way({ way, lit }: { way: DrawnWay; lit: boolean }) {
  const [first, second, end, before] = [way.points[0], way.points[1], way.points.at(-1), way.points.at(-2)]
  if (!first || !second || !end || !before) return null
  // A way which leads back leaves and arrives at a side.
  const isBack = end.y < first.y
  const label = isBack
    ? { x: first.x + 26, y: first.y - 6 }
    : { x: first.x + (second.x - first.x) * 0.4, y: first.y + (second.y - first.y) * 0.4 + 4 }
  return (
    <g class={lit ? 'way lit' : 'way'}>
      <path d={isBack ? backPath(way.points) : downPath(way.points)} />
      <path class="tip" d={isBack ? leftTip(end) : downTip(end)} />
      {way.label !== '' && (
        <text x={label.x} y={label.y} text-anchor="middle">
          {shortened(way.label, 14)}
        </text>
      )}
    </g>
  )
}

/** From point to point, each left and reached straight down. */
function downPath(points: readonly DrawnPoint[]): string {
  const [first, ...others] = points
  if (!first) return ''
  let last = first
  const curves = others.map((point) => {
    const half = (point.y - last.y) / 2
    const curve = `C${last.x} ${last.y + half} ${point.x} ${point.y - half} ${point.x} ${point.y}`
    last = point
    return curve
  })
  return `M${first.x} ${first.y}${curves.join('')}`
}

/** Out to the right, up, and in from the right. */
function backPath(points: readonly DrawnPoint[]): string {
  const [first, end, passed] = [points[0], points.at(-1), points.slice(1, -1)]
  if (!first || !end) return ''
  const out = Math.max(first.x, end.x, ...passed.map(({ x }) => x)) + 22
  return `M${first.x} ${first.y}C${out} ${first.y} ${out} ${first.y} ${out} ${first.y - 24}L${out} ${end.y + 24}C${out} ${end.y} ${out} ${end.y} ${end.x} ${end.y}`
}

function downTip({ x, y }: DrawnPoint): string {
  return `M${x - 4} ${y - 8}L${x + 4} ${y - 8}L${x} ${y}Z`
}

function leftTip({ x, y }: DrawnPoint): string {
  return `M${x + 8} ${y - 4}L${x + 8} ${y + 4}L${x} ${y}Z`
}

function shortened(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}
