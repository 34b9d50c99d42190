import { appendFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite } from 'vitest/node'

/** What the failures of one run may take of a log of which only the end is kept: lines, and characters of a line. */
const LINES = 45
const WIDTH = 120

/** A sentence, a file or a hook which failed, and why. */
interface Failure {
  readonly name: string
  readonly errors: readonly SerializedError[]
}

/**
 * One line for each file, and at the end, in few lines, all which failed. The file which FAILED_SENTENCES names gets
 * those, too: where suites run beside each other, they are shown together.
 */
export default class BriefReporter implements Reporter {
  readonly #write: (text: string) => void
  readonly #began = performance.now()

  constructor({ write = (text: string) => void process.stdout.write(text) } = {}) {
    this.#write = write
  }

  onUserConsoleLog({ content }: { content: string }): void {
    this.#write(content)
  }

  onTestModuleEnd(module: TestModule): void {
    this.#write(`${fileLine(module)}\n`)
    // A run may be killed before its end: what failed is said at once.
    for (const { name, errors } of failuresOf(module))
      this.#write(`   ✗ ${name}: ${cut(linesOf(errors)[0] ?? '')}\n`)
  }

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const failures = modules.flatMap(failuresOf)
    if (unhandled.length > 0) failures.push({ name: 'outside of any sentence', errors: unhandled })
    const passed = modules.flatMap(({ children }) => [...children.allTests('passed')]).length
    const seconds = Math.round((performance.now() - this.#began) / 1000)
    this.#write(
      `${modules.length} files, ${passed} sentences passed, ${failures.length} failed; ${seconds} s\n`,
    )
    if (failures.length === 0) return
    const text = `${told(failures).join('\n')}\n`
    this.#write(text)
    const { FAILED_SENTENCES: file } = process.env
    if (file !== undefined) appendFileSync(file, text)
  }
}

function fileLine(module: TestModule): string {
  const { duration, collectDuration } = module.diagnostic()
  const tests = [...module.children.allTests()]
  const skipped = tests.filter((test) => test.result().state === 'skipped').length
  const again = tests.filter((test) => test.diagnostic()?.flaky)
  return [
    `${module.ok() ? '✓' : '✗'} ${module.relativeModuleId}: ${tests.length - skipped} of ${tests.length}, `,
    `${((duration + collectDuration) / 1000).toFixed(1)} s`,
    ...again.map(
      (test) => `; tried again: ${test.name} (${cut(linesOf(test.result().errors ?? [])[0] ?? '')})`,
    ),
  ].join('')
}

function failuresOf(module: TestModule): Failure[] {
  const own = (one: TestModule | TestSuite, name: string) => ({ name, errors: one.errors() })
  const suites = [...module.children.allSuites()].map((suite) => own(suite, nameOf(suite)))
  const tests = [...module.children.allTests('failed')].map((test) => ({
    name: nameOf(test),
    errors: test.result().errors ?? [],
  }))
  const outside = [own(module, module.relativeModuleId), ...suites].filter(({ errors }) => errors.length > 0)
  return [...outside, ...tests]
}

function nameOf({ module, fullName }: TestCase | TestSuite): string {
  return `${module.relativeModuleId} > ${fullName}`
}

/** All by name, and of each as much as there is room for. */
function told(failures: readonly Failure[]): string[] {
  const shown = failures.slice(0, LINES / 3)
  const room = Math.max(2, Math.floor((LINES - 2) / shown.length) - 1)
  const lines = shown.flatMap(({ name, errors }) => [
    `✗ ${name}`,
    ...linesOf(errors)
      .slice(0, room)
      .map((line) => `    ${cut(line)}`),
  ])
  const more = failures.length - shown.length
  return ['── what failed', ...lines, ...(more > 0 ? [`… and ${more} more`] : [])]
}

/** The message of each error, where it was thrown, and how what came differs from what was expected. */
function linesOf(errors: readonly SerializedError[]): string[] {
  return errors.flatMap((error) => {
    const message = String(error.message ?? error)
    const [where] = String(error.stack ?? '').match(/test\/[\w./-]+\.ts:\d+/) ?? []
    const lines = `${message}\n${where === undefined ? '' : `at ${where}`}\n${error.diff ?? ''}`
    const own = stripVTControlCharacters(lines)
      .split('\n')
      .filter((line) => line.trim() !== '')
    return error.cause ? [...own, ...linesOf([error.cause])] : own
  })
}

function cut(line: string): string {
  return line.length > WIDTH ? `${line.slice(0, WIDTH - 1)}…` : line
}
