/** Letters of a statement that a line of the log has at most: which it is shows in its beginning. */
const shownOfStatement = 100

/** One line of the Worker's log, as JSON. */
export function log(level: 'warn' | 'error', event: string, fields: Readonly<Record<string, unknown>>): void {
  // biome-ignore lint/suspicious/noConsole: a Worker's log is its console.
  console.error(JSON.stringify({ level, event, ...fields }))
}

/** What went wrong, the first cause first. Statements are shortened, and without what was asked with: that may be secret. */
export function causesOf(error: unknown): string[] {
  const causes: string[] = []
  for (let one = error; one instanceof Error && causes.length < 8; one = deeper(one)) {
    const words = shortened(one)
    if (words && words !== causes[0]) causes.unshift(words)
  }
  return causes
}

/** What an error came from; the database's driver keeps that under a name of its own. */
function deeper(error: Error): unknown {
  if (error instanceof AggregateError) return error.errors[0]
  return 'sourceError' in error ? error.sourceError : error.cause
}

function shortened({ message, ...rest }: Error): string {
  const [statement = ''] = message.split('\nparams:')
  const words = statement.replace(/\s+/g, ' ').trim() || ('code' in rest ? String(rest.code) : '')
  const cut = words.startsWith('Failed query') && words.length > shownOfStatement
  return cut ? `${words.slice(0, shownOfStatement)}…` : words
}
