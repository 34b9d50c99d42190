import { parentPort } from 'node:worker_threads'
import type { SpeechJob } from '../../../relay/io/speech-worker.ts'

/* A thread which speaks as its texts say: it dies, it hangs, or it answers. */
parentPort?.on('message', ({ id, ...job }: SpeechJob) => {
  const text = 'say' in job ? job.say : 'convert'
  if (text === 'die') process.exit(1)
  if (text === 'throw') throw new Error('out of memory')
  if (text !== 'hang') parentPort?.postMessage({ id, wav: new Uint8Array(44), ms: 5 })
})
