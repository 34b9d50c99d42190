import type { Page } from 'playwright-core'

/** A control of a page, as the keyboard finds it. */
interface KeyboardStop {
  /** Its place among the controls there are, in the order of the document; -1: it is none. */
  readonly place: number
  readonly words: string
  readonly kind: 'press' | 'check' | 'choose' | 'write' | 'reach' | 'none'
  /** Why one does not see that it has the keyboard; empty: one does. */
  readonly unseen: string
  /** Whether the one before did what its key is to do. */
  readonly worked: boolean
}

/**
 * What hinders who has a keyboard alone on a page: controls which Tab does not come to, or not in the order in which they
 * stand, of which one does not see that they have the keyboard, which keep it, or which no key operates. Nothing is done by
 * that: what a key would do is kept from the page. Empty: nothing hinders.
 */
export async function keyboardFaultsOf(page: Page): Promise<string[]> {
  const faults: string[] = []
  const count = await page.evaluate<number>(watching)
  const came: KeyboardStop[] = []
  let pressed = ''
  for (let presses = 0; presses < 40 + count * 3; presses += 1) {
    await page.keyboard.press('Tab')
    const stop = await page.evaluate<KeyboardStop>('keyboardStop()')
    const before = came.at(-1)
    if (pressed !== '' && !stop.worked) faults.push(`${before?.words}: ${pressed} does nothing`)
    pressed = ''
    // After the last the browser's own controls come, or the first again.
    if (stop.kind === 'none' || (stop.place === 0 && came.length > 1)) break
    // A field for a date is come to once for each of its parts.
    if (stop.place === before?.place) continue
    came.push(stop)
    if (stop.unseen !== '') faults.push(`${stop.words}: ${stop.unseen}`)
    pressed = keys[stop.kind]
    if (pressed !== '') await page.keyboard.press(pressed)
  }
  const all = await page.evaluate<string[]>('keyboardDone()')
  const places = came.map(({ place }) => place)
  const missed = all.filter((_, place) => !places.includes(place))
  faults.push(...missed.map((words) => `${words}: Tab does not come to it`))
  for (const [at, { place, words }] of came.entries())
    if (place < (came[at - 1]?.place ?? -1)) faults.push(`${words}: Tab comes to it too late`)
  return faults.map((fault) => `${page.url()}: ${fault}`)
}

/** By what each is worked. A date is written part by part, and a lone choice is made: they are come to, which is enough. */
const keys = {
  press: 'Enter',
  check: 'Space',
  choose: 'ArrowDown',
  write: 'a',
  reach: '',
  none: '',
} as const satisfies Record<KeyboardStop['kind'], string>

/** What runs in the page; its value is how many controls there are. */
const watching = `(() => {
  const what = 'a[href], button, input, select, textarea, summary, [tabindex]'
  const all = [...document.querySelectorAll(what)].filter(
    (one) => one.tabIndex >= 0 && !one.disabled && one.checkVisibility({ visibilityProperty: true }),
  )
  const wordsOf = (one) => {
    const label = one.getAttribute('aria-label') ?? one.labels?.[0]?.textContent ?? one.textContent
    return one.localName + ' “' + label.trim().slice(0, 60) + '”'
  }
  const kindOf = (one) => {
    if (one.matches('input[type=checkbox]')) return 'check'
    if (one.matches('[type=datetime-local]')) return 'reach'
    if (one.matches('input, textarea')) return 'write'
    if (one.matches('select')) return one.options.length > 1 ? 'choose' : 'reach'
    return one.matches('a[href], button, summary') ? 'press' : 'reach'
  }
  let operated = false
  let value
  const keep = (event) => {
    if (event.type !== 'click' || event.isTrusted) operated = true
    event.stopImmediatePropagation()
    if (event.type === 'click') event.preventDefault()
  }
  const types = ['click', 'input', 'change']
  for (const type of types) window.addEventListener(type, keep, { capture: true })
  const unseen = (one) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(one)
    if (outlineStyle === 'none' || Number.parseFloat(outlineWidth) < 1) return 'one does not see that it has the keyboard'
    const { top, bottom, left, right } = one.getBoundingClientRect()
    const inside = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth
    if (!inside) return 'it is out of sight when it has the keyboard'
    const under = document.elementFromPoint((left + right) / 2, Math.min(innerHeight - 1, Math.max(1, (top + bottom) / 2)))
    return under === null || one.contains(under) || under.contains(one) || under.closest('label')?.control === one ? '' : wordsOf(under) + ' lies over it when it has the keyboard'
  }
  let before
  window.keyboardStop = () => {
    const worked = operated
    operated = false
    if (value !== undefined) before.value = value
    value = undefined
    const one = document.activeElement
    if (one === null || one === document.body || one === start)
      return { place: -1, words: '', kind: 'none', unseen: '', worked }
    const kind = kindOf(one)
    before = one
    if (kind === 'write' || kind === 'choose') value = one.value
    if (kind === 'choose') one.selectedIndex = 0
    return { place: all.indexOf(one), words: wordsOf(one), kind, unseen: unseen(one), worked }
  }
  window.keyboardDone = () => {
    for (const type of types) window.removeEventListener(type, keep, { capture: true })
    start.remove()
    return all.map(wordsOf)
  }
  // Tab goes on from what had the keyboard last.
  const start = document.createElement('span')
  start.tabIndex = -1
  document.body.prepend(start)
  start.focus()
  return all.length
})()`
