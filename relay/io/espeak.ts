import { spawn } from 'node:child_process'

/** Longer it does not take, nor does it say more. */
const PATIENCE_MS = 10_000
const BYTES_AT_MOST = 32 * 1024 * 1024

/** Languages which espeak-ng calls otherwise (BCP 47 → its voices). */
const voices: Readonly<Record<string, string>> = { zh: 'cmn', no: 'nb' }

/**
 * A WAV file of what espeak-ng says, a program of its own where one is installed: its licence (GPL) is then not this program's.
 * Throws why it says nothing.
 */
export async function espeak(text: string, language: string, command = 'espeak-ng'): Promise<Uint8Array> {
  const tag = language.toLowerCase()
  const [primary = ''] = tag.split('-')
  try {
    return await spokenBy(command, text, voices[tag] ?? tag)
  } catch (error) {
    if (primary === tag || !(error instanceof NoVoice)) throw error
    return spokenBy(command, text, voices[primary] ?? primary)
  }
}

/** It does not know the language. */
class NoVoice extends Error {}

function spokenBy(command: string, text: string, voice: string): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['-v', voice, '--stdin', '--stdout'], {
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    })
    const chunks: Buffer[] = []
    let length = 0
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > BYTES_AT_MOST) child.kill('SIGKILL')
    })
    child.stdin.on('error', () => undefined)
    child.on('error', ({ code }: NodeJS.ErrnoException) =>
      reject(
        new Error(
          code === 'ENOENT' ? `no voice speaks "${voice}": espeak-ng is not installed` : `espeak-ng: ${code}`,
        ),
      ),
    )
    child.on('close', (status, signal) => {
      if (status === 0 && length > 0) resolve(Buffer.concat(chunks))
      else if (signal !== null)
        reject(new Error(`espeak-ng did not end within ${PATIENCE_MS / 1_000} seconds`))
      else reject(new NoVoice(`espeak-ng has no voice for "${voice}"`))
    })
    child.stdin.end(text)
  })
}
