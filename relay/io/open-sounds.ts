import { join } from 'node:path'
import type { Config } from '../config.ts'
import { EdgeHttp } from './edge-http.ts'
import { EdgeSounds } from './edge-sounds.ts'
import type { Log } from './log.ts'
import { SoundCache } from './sound-cache.ts'
import { Sounds } from './sounds.ts'
import { Speech } from './speech.ts'
import { SpeechThread } from './speech-thread.ts'

/** What brings sounds to this disk, and stops. */
export interface OpenSounds {
  readonly find: Sounds['find']
  stop(): Promise<void>
}

/** Opens the folder of sounds and the ways to what is not there; `sockets`: connections of its own to the edge. */
export function openSounds(
  { dataDir, edgeUrl, relayKey, soundBytes, hostedSpeech: hosted }: Config,
  sockets: number,
  log: Log,
): OpenSounds {
  const http = new EdgeHttp({ url: edgeUrl, key: relayKey, socketsAtMost: sockets })
  const speech = new Speech({ thread: new SpeechThread({ folder: join(dataDir, 'speaking') }), hosted, log })
  const cache = new SoundCache({ folder: join(dataDir, 'sounds'), bytesAtMost: soundBytes, log })
  const sounds = new Sounds({ cache, edge: new EdgeSounds(http), speech, log })
  return {
    find: (question, withinMs) => sounds.find(question, withinMs),
    async stop() {
      http.close()
      await speech.stop()
    },
  }
}
