import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** How a page looks to whom: width in CSS pixels, and colours. */
export const looks = [
  [1280, 'light'],
  [1280, 'dark'],
  [390, 'light'],
  [390, 'dark'],
] as const

/** The same, and on a wide window. */
export const allLooks = [...looks, [1920, 'light'], [1920, 'dark']] as const

/** What axe-core finds wrong with a page in each of these looks, and where it is wider than its window; empty: nothing. */
export async function faultsOf(
  page: Page,
  shown: readonly (typeof allLooks)[number][] = looks,
): Promise<string[]> {
  const faults: string[] = []
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(axe)
  for (const [width, colorScheme] of shown) {
    await page.setViewportSize({ width, height: 844 })
    await page.emulateMedia({ colorScheme })
    const { violations } = await page.evaluate<AxeResults>('axe.run()')
    const over = Number(await page.evaluate('document.documentElement.scrollWidth')) - width
    const found = violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`),
    )
    const told = [...found, ...(over > 0 ? [`${over} px wider than the window`] : [])]
    faults.push(...told.map((fault) => `${page.url()} ${width} ${colorScheme}: ${fault}`))
  }
  return faults
}
