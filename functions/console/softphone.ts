import { effect, signal } from '@preact/signals'
import { debug, UA, WebSocketInterface } from 'jssip'
import type { EndEvent, RTCSession } from 'jssip/lib/RTCSession'
import type { RTCSessionEvent } from 'jssip/lib/UA'
import { asked, session } from './session.ts'
import type { ShownToken } from './shown.ts'
import { renewing } from './softphone-renewal.ts'
import { openMicrophone } from './softphone-sound.ts'
import { callerWords, endOf } from './softphone-words.ts'
import { TalkedCall } from './talked-call.ts'

/** How the phone stands. */
export interface PhoneStanding {
  readonly kind: 'off' | 'connecting' | 'registered' | 'failed'
  readonly words: string
  /** Whose phone it is. */
  readonly extensionId?: string
}

/** The phone’s own standing. */
export const standing = signal<PhoneStanding>({ kind: 'off', words: '' })
/** The one call there is: another which comes meanwhile is busy. */
export const call = signal<TalkedCall | undefined>(undefined)
/** What became of the last one. */
export const lastWords = signal('')

debug.disable()

interface PhoneLine {
  readonly ua: UA
  readonly domain: string
  endRenewal(): void
}

let line: PhoneLine | undefined
const [busy, declined] = [486, 603]

// Who signs out takes the phone along.
effect(() => {
  if (session.value === null) hangUpLine()
})

/** Registers as an extension, by a token of it. Throws `Refused` where there is none to be had. */
export async function registerAs(extensionId: string): Promise<void> {
  hangUpLine()
  standing.value = { kind: 'connecting', words: 'Asking for a token …', extensionId }
  const token = await tokenOf(extensionId).catch((error: Error) => {
    standing.value = { kind: 'failed', words: error.message }
    throw error
  })
  const [url] = token.ws_urls
  if (url === undefined) {
    const words =
      'This installation does not say where relays take phones in browsers: SIP_WS_URLS is not set.'
    standing.value = { kind: 'failed', words }
    return
  }
  const ua = new UA({
    sockets: token.ws_urls.map((one) => new WebSocketInterface(one)),
    uri: token.uri,
    authorization_user: token.username,
    password: token.password,
    register_expires: 300,
    session_timers: false,
    user_agent: 'Trunkline console',
  })
  const now = (kind: PhoneStanding['kind'], words: string) => {
    if (line?.ua === ua) standing.value = { kind, words, extensionId }
  }
  const endRenewal = renewing({
    expire: token.expire,
    renew: () => renew(ua, extensionId),
    over: (why) => now('failed', why instanceof Error ? why.message : String(why)),
  })
  line = { ua, domain: token.realm, endRenewal }
  ua.on('connecting', () => now('connecting', `Connecting to ${url} …`))
  ua.on('registered', () => now('registered', `Registered as ${token.uri.replace(/^sip:/, '')}.`))
  ua.on('disconnected', ({ error }) => error && now('connecting', `No connection to ${url}; trying again …`))
  ua.on('registrationFailed', ({ cause }) =>
    now('failed', `The relay refused to register it: ${cause ?? ''}.`),
  )
  ua.on('newRTCSession', (event: RTCSessionEvent) => {
    if (event.originator === 'remote') arrived(event.session)
  })
  ua.start()
}

/** Unregisters, and ends what there is. */
export function hangUpLine(): void {
  if (line === undefined) return
  line.endRenewal()
  const { ua } = line
  line = undefined
  call.value?.over('The phone was switched off.')
  call.value = undefined
  ua.stop()
  standing.value = { kind: 'off', words: '' }
}

/** Dials a number, or another extension. Throws where no microphone may be used. */
export async function dial(to: string): Promise<void> {
  if (line === undefined || call.value !== undefined) return
  lastWords.value = ''
  const { ua, domain } = line
  const stream = await openMicrophone()
  const target = `sip:${encodeURIComponent(to).replaceAll('%2B', '+')}@${domain}`
  const placed = ua.call(target, { mediaStream: stream, pcConfig })
  began(placed, new TalkedCall({ session: placed, with: to, incoming: false, stream, domain }))
}

/** Takes the call which rings. Throws where no microphone may be used. */
export async function answer(): Promise<void> {
  const ringing = call.value
  if (ringing === undefined) return
  const stream = await openMicrophone()
  ringing.speaks(stream)
  ringing.session.answer({ mediaStream: stream, pcConfig })
}

/** Declines what rings, takes back what was dialled, and ends what is talked. */
export function hangUp(): void {
  const ended = call.value
  if (ended === undefined) return
  ended.byUs = true
  const rings = ended.incoming && ended.state.value === 'rings'
  ended.session.terminate(rings ? { status_code: declined } : {})
}

const pcConfig: RTCConfiguration = { iceServers: [], bundlePolicy: 'max-bundle' }

function arrived(session: RTCSession): void {
  if (line === undefined || call.value !== undefined) return session.terminate({ status_code: busy })
  const { display_name: display, uri } = session.remote_identity
  lastWords.value = ''
  const name = callerWords(display, uri.user ?? undefined)
  began(session, new TalkedCall({ session, with: name, incoming: true, domain: line.domain }))
}

function began(session: RTCSession, talked: TalkedCall): void {
  call.value = talked
  const ended = ({ cause }: EndEvent) => {
    talked.over(endOf(cause, talked.byUs))
    if (call.value !== talked) return
    lastWords.value = talked.words.value
    call.value = undefined
  }
  session.on('ended', ended)
  session.on('failed', ended)
}

async function renew(ua: UA, extensionId: string): Promise<number> {
  const token = await tokenOf(extensionId)
  ua.set('authorization_user', token.username)
  ua.set('password', token.password)
  // What slept past the end of its token was refused meanwhile.
  if (line?.ua === ua && ua.isConnected() && !ua.isRegistered()) ua.register()
  return token.expire
}

function tokenOf(extensionId: string): Promise<ShownToken> {
  const path = `/v1.0/extensions/${encodeURIComponent(extensionId)}/tokens`
  return asked<ShownToken>({ method: 'POST', path, body: {} })
}
