import type { Locator, Page } from 'playwright-core'

/** The five steps of setting up an office in the console, as they stand below one another. */
export async function stepsOf(page: Page): Promise<[Locator, Locator, Locator, Locator, Locator]> {
  const all = page.locator('.set-up > li')
  await all.last().waitFor()
  return [all.nth(0), all.nth(1), all.nth(2), all.nth(3), all.nth(4)]
}

/** Fills in fields of a step by their labels, and presses its button. */
export async function send(step: Locator, action: string, values: Record<string, string>): Promise<void> {
  for (const [label, value] of Object.entries(values))
    await step.getByLabel(label, { exact: true }).fill(value)
  await step.getByRole('button', { name: action, exact: true }).click()
}

/** Until a step is ticked. */
export async function done(step: Locator): Promise<void> {
  await step.getByRole('img', { name: 'Done', exact: true }).waitFor()
}

/** What is to be typed into a phone. */
export async function typed(step: Locator, what: string): Promise<string> {
  return String(await step.locator('.typed div', { hasText: what }).locator('dd').textContent())
}
