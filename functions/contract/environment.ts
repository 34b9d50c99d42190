import * as z from 'zod'

/** What a process is told by its environment, text by name. */
export type Environment = Readonly<Record<string, string | undefined>>

/** How a program's lines in the log are chosen. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

const text = z.string({ error: ({ input }) => (input === undefined ? 'is missing' : 'must be text') })

/**
 * Reads every setting of `shape`, by name, and names all which are wrong at once, a sentence each. An empty text is
 * none; what is wrong is as if it were not said, and a setting which is needed and wrong is not there.
 */
export function readEnvironment<Shape extends Readonly<Record<string, z.ZodType>>>(
  shape: Shape,
  environment: object,
): { settings: { [Name in keyof Shape]: z.output<Shape[Name]> }; wrong: string[] } {
  const wrong: string[] = []
  const told = environment as Readonly<Record<string, unknown>>
  const settings = Object.entries(shape).map(([name, schema]) => {
    const read = schema.safeParse(unlessBlank(told[name]))
    if (read.success) return [name, read.data]
    for (const { message } of read.error.issues) wrong.push(`${name} ${message}`)
    return [name, schema.safeParse(undefined).data]
  })
  return { settings: Object.fromEntries(settings), wrong }
}

/** A setting which must be `what`, as `read` takes it; undefined of `read`: it is not. */
export function setting<Value>(what: string, read: (given: string) => Value | undefined) {
  return text.trim().transform(readBy(read, (given) => `must be ${what}, not "${given}"`))
}

/** The same of a text which no log may show, every character of which counts: `what` follows “must”. */
export function secret<Value>(what: string, read: (given: string) => Value | undefined) {
  return text.transform(readBy(read, () => `must ${what}`))
}

function readBy<Value>(read: (given: string) => Value | undefined, why: (given: string) => string) {
  return (given: string, refinement: z.RefinementCtx): Value => {
    const value = read(given)
    if (value === undefined) refinement.addIssue(why(given))
    return value ?? z.NEVER
  }
}

/** One word of several. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return setting(`one of ${words.join(', ')}`, (given) => words.find((word) => word === given))
}

/** A whole number of such a size. */
export function wholeNumber(least: number, most: number) {
  return setting(`a whole number from ${least} to ${most}`, (given) => {
    const value = /^\d{1,9}$/.test(given) ? Number(given) : Number.NaN
    return value >= least && value <= most ? value : undefined
  })
}

/** First and last port of a range for sound. */
export const portRange = setting('a range of at least four ports from 1024 up, like 10000-19999', (given) => {
  const [, from, to] = /^(\d{1,5})\s*-\s*(\d{1,5})$/.exec(given) ?? []
  const [first, last] = [Number(from), Number(to)]
  return first >= 1024 && last <= 65_535 && last - first >= 3 ? ([first, last] as const) : undefined
})

/** The domain under which customers have theirs. */
export const domainName = setting('a domain name', (given) =>
  /^(?=.{1,200}$)[a-z0-9-]+(\.[a-z0-9-]+)*$/i.test(given) ? given.toLowerCase() : undefined,
)

/** Where phones connect: `sip.example.com`, `192.0.2.10:5060`, `[2001:db8::1]:5061;transport=tls`. */
export const sipServer = setting(
  'a host like sip.example.com, with a port and ;transport=udp, tcp or tls where need be',
  (given) => {
    const [, host = '', port, transport = 'udp'] =
      /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?(?:;transport=(udp|tcp|tls))?$/i.exec(given) ?? []
    if (host === '' || Number(port ?? 1) < 1 || Number(port ?? 1) > 65_535) return undefined
    return { host: port === undefined ? host : `${host}:${port}`, transport: transport.toLowerCase() }
  },
)

/** URIs of a TURN server (RFC 7065), comma between several. */
export const turnUrls = setting(
  'URIs like turn:turn.example.com:3478?transport=udp, comma between several',
  (given) => {
    const urls = given.split(',').map((url) => url.trim())
    return urls.every((url) => turnUrl.test(url)) ? urls : undefined
  },
)

const turnUrl = /^turns?:([a-z\d.-]+|\[[\da-f:.]+\])(:\d{1,5})?(\?transport=(udp|tcp))?$/i

/** What is shared with it. */
export const turnSecret = secret('have at least 16 characters', (given) =>
  given.length >= 16 ? given : undefined,
)

/** Origins of web pages (RFC 6454 §6.2), comma between several, or `*`. */
export const webOrigins = setting(
  'origins like https://console.example.com, comma between several, or *',
  (given) => {
    const origins = given.split(',').map((origin) => origin.trim())
    return origins.every((origin) => origin === '*' || webOrigin.test(origin)) ? origins : undefined
  },
)

const webOrigin = /^[a-z][a-z\d+.-]*:\/\/([a-z\d.-]+|\[[\da-f:]+\])(:\d{1,5})?$/

/** Where phones in browsers connect, by SIP over WebSocket. */
export const webSocketUrls = setting(
  'URLs like wss://sip.example.com:7443/, comma between several',
  (given) => {
    const urls = given.split(',').map((url) => url.trim())
    return urls.every((url) => webSocketUrl.test(url)) ? urls : undefined
  },
)

const webSocketUrl = /^wss?:\/\/([a-z\d.-]+|\[[\da-f:]+\])(:\d{1,5})?(\/[\w./~-]*)?$/

/** How many requests may come a minute; 0: as many as do. */
export const requestsAMinute = wholeNumber(0, 1_000_000)

function unlessBlank(value: unknown): unknown {
  return typeof value === 'string' && value.trim() === '' ? undefined : value
}
