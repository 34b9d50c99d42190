import { effect, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { EventStreamReader } from './event-stream.ts'
import { session } from './session.ts'
import type { HappenedEvent } from './shown.ts'

/** Whether what happens is heard as it happens. */
export const isLive = signal(false)

type Hearing = (event: HappenedEvent) => void
const hearing = new Set<Hearing>()

/** Between two tries to be heard again, and where the edge says that this key has streams enough. */
const [SOON_MS, LATER_MS] = [1_000, 30_000]

/** Follows the account's events for as long as one is signed in. */
export function followEvents(): void {
  effect(() => {
    const key = session.value?.key
    if (key === undefined) return
    const leaving = new AbortController()
    void follow(key, leaving.signal)
    return () => leaving.abort()
  })
}

/** EventSource sends no headers, and a key has no place in an address: so the stream is read here. */
async function follow(key: string, leaving: AbortSignal): Promise<void> {
  const reader = new EventStreamReader()
  while (!leaving.aborted) {
    const status = await hear(key, reader, leaving)
    isLive.value = false
    if (status === 401) return
    await pause(status === 200 ? SOON_MS : status === 0 ? 3 * SOON_MS : LATER_MS, leaving)
  }
}

/** Hears one stream until it ends; gives the status it was answered with, 0: none. */
async function hear(key: string, reader: EventStreamReader, leaving: AbortSignal): Promise<number> {
  const place = reader.lastId === '' ? {} : { 'Last-Event-ID': reader.lastId }
  const headers = { Authorization: `Bearer ${key}`, ...place }
  try {
    const response = await fetch('/v1.0/events/stream', { headers, signal: leaving, cache: 'no-store' })
    if (!response.ok || response.body === null) return response.status
    reader.begin()
    const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader()
    for (let piece = await pieces.read(); !piece.done; piece = await pieces.read()) {
      isLive.value = true
      for (const { text } of reader.take(piece.value)) tellAll(JSON.parse(text) as HappenedEvent)
    }
    return response.status
  } catch {
    return 0
  }
}

function tellAll(event: HappenedEvent): void {
  for (const hears of hearing) hears(event)
}

function pause(ms: number, leaving: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms)
    leaving.addEventListener('abort', () => [clearTimeout(timer), done()], { once: true })
  })
}

/** Several events come at once where a call is set up; what is shown is asked for once. */
const TOGETHER_MS = 250

/** Calls `heard` soon after events of which `concerns` is true, once in so many milliseconds; while nothing is heard live, every ten seconds. */
export function useEvents(
  concerns: (event: HappenedEvent) => boolean,
  heard: () => void,
  together = TOGETHER_MS,
): void {
  const latest = useRef({ concerns, heard })
  latest.current = { concerns, heard }
  useEffect(() => {
    let soon: ReturnType<typeof setTimeout> | undefined
    const hears: Hearing = (event) => {
      if (!latest.current.concerns(event)) return
      soon ??= setTimeout(() => {
        soon = undefined
        latest.current.heard()
      }, together)
    }
    hearing.add(hears)
    const unheard = setInterval(() => isLive.peek() || latest.current.heard(), 10_000)
    return () => {
      hearing.delete(hears)
      clearTimeout(soon)
      clearInterval(unheard)
    }
  }, [together])
}

/** Calls `heard` with each event as it comes. */
export function useHeard(heard: (event: HappenedEvent) => void): void {
  const latest = useRef(heard)
  latest.current = heard
  useEffect(() => {
    const hears: Hearing = (event) => latest.current(event)
    hearing.add(hears)
    return () => {
      hearing.delete(hears)
    }
  }, [])
}
