import { join } from 'node:path'
import type { Config } from '../config.ts'
import { Ports } from '../media/ports.ts'
import { entropy } from './entropy.ts'
import { type MediaOptions, type MediaPlane, startMedia } from './media.ts'
import { RtpengineMedia } from './media-rtpengine.ts'
import { SoundFiles } from './sound-files.ts'

/** Starts what carries sound: a thread of ours, or the rtpengine which the settings name. Throws in words where that is not to be had. */
export function startMediaPlane(
  { rtpengine, rtpEngine, rtpPorts, sipHost, publicIp, dataDir }: Config,
  options: Pick<MediaOptions, 'timeoutMs' | 'recordings' | 'report' | 'log'>,
): Promise<MediaPlane> {
  const own = { engine: rtpEngine, host: sipHost }
  if (rtpengine === undefined) return startMedia({ ...options, ...own })
  return RtpengineMedia.start({
    ...options,
    place: rtpengine,
    sounds: new SoundFiles(join(dataDir, 'rtpengine')),
    // Nothing of what it hears times out: that is rtpengine's to say.
    startThread: (report) => startMedia({ ...options, ...own, timeoutMs: 0, report }),
    ports: new Ports(rtpPorts, (below) => entropy.below(below)),
    ownAddress: /^(0\.0\.0\.0|::)$/.test(sipHost) ? publicIp : sipHost,
  })
}
