import { signal } from '@preact/signals'
import { levelOf } from './softphone-words.ts'

/** A microphone, or what plays sound. */
export interface SoundDevice {
  readonly id: string
  readonly label: string
}

/** Devices there are; the browser names them once a microphone was allowed. */
export const microphones = signal<readonly SoundDevice[]>([])
export const speakers = signal<readonly SoundDevice[]>([])
/** The ids of those which were chosen; empty: the browser's own choice. */
export const microphone = signal('')
export const speaker = signal('')

const player = new Audio()
player.autoplay = true

/** Asks which devices there are. */
export async function listDevices(): Promise<void> {
  const all = (await navigator.mediaDevices?.enumerateDevices()) ?? []
  const of = (kind: MediaDeviceKind) =>
    all
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId: id, label }) => ({ id, label: label || 'unnamed' }))
  microphones.value = of('audioinput')
  speakers.value = of('audiooutput')
}

/** The sound of the chosen microphone, or of the browser's choice where that is gone. Throws where none is allowed, or there is none. */
export async function openMicrophone(): Promise<MediaStream> {
  if (navigator.mediaDevices === undefined)
    throw new Error(
      'The browser lets no page use a microphone which did not come by https, or from this machine.',
    )
  const usual = { echoCancellation: true, noiseSuppression: true }
  const id = microphone.value
  // An id which is only wished for is passed over for the browser's own choice.
  const chosen = id === '' ? usual : { ...usual, deviceId: { exact: id } }
  const stream = await navigator.mediaDevices.getUserMedia({ audio: chosen }).catch((error: unknown) => {
    if (!(error instanceof OverconstrainedError)) throw error
    microphone.value = ''
    return navigator.mediaDevices.getUserMedia({ audio: usual })
  })
  await listDevices()
  return stream
}

/** Plays what the other side says, by the chosen speaker; null: nothing any more. */
export async function play(stream: MediaStream | null): Promise<void> {
  player.srcObject = stream
  await useSpeaker()
}

/** Goes on by the speaker which is chosen now, where the browser lets one choose. */
export async function useSpeaker(): Promise<void> {
  if ('setSinkId' in player) await player.setSinkId(speaker.value).catch(() => undefined)
}

/** Measures how loud a stream is, ten times a second, until it is stopped. */
export function meter(stream: MediaStream, heard: (level: number) => void): () => void {
  const context = new AudioContext()
  const analyser = context.createAnalyser()
  analyser.fftSize = 1024
  context.createMediaStreamSource(stream).connect(analyser)
  const samples = new Float32Array(analyser.fftSize)
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples)
    heard(levelOf(samples))
  }, 100)
  return () => {
    clearInterval(timer)
    void context.close()
  }
}
