import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'

/** Whether packets can be captured and read here. */
export const hasTshark = ['/usr/bin/tcpdump', '/usr/bin/tshark'].every((tool) => existsSync(tool))

/** A SIP message as tshark read it in a file. */
export interface SharkMessage {
  /** `source > destination`, with ports. */
  readonly way: string
  readonly callId: string
  /** Its method, or its status; and its CSeq. */
  readonly what: string
}

/** Captures what passes on the loopback interface, until `stop`: packets of these ports, into `file`. */
export async function captureLoopback(file: string, filter: string): Promise<{ stop(): Promise<void> }> {
  const child = spawn('/usr/bin/tcpdump', [
    '-i',
    'lo',
    '-U',
    '--immediate-mode',
    '-s',
    '0',
    '-w',
    file,
    filter,
  ])
  await listening(child)
  return {
    async stop() {
      // What the kernel has still to hand over is there within this time.
      await new Promise((resolve) => setTimeout(resolve, 300))
      const over = once(child, 'exit')
      child.kill('SIGINT')
      await over
    },
  }
}

/** It says so on its standard error; one which ends before may not capture. */
async function listening(child: ChildProcess): Promise<void> {
  let said = ''
  for await (const bytes of child.stderr ?? []) {
    said += bytes
    if (said.includes('listening on')) break
  }
  if (!said.includes('listening on')) throw new Error(`tcpdump: ${said}`)
  child.stderr?.resume()
}

/** Every SIP message in a file of libpcap, in order. */
export async function sharkMessages(file: string): Promise<SharkMessage[]> {
  const fields = [
    'ip.src',
    'udp.srcport',
    'ip.dst',
    'udp.dstport',
    'sip.Call-ID',
    'sip.Method',
    'sip.Status-Code',
    'sip.CSeq',
  ]
  const args = ['-n', '-r', file, '-Y', 'sip', '-T', 'fields', ...fields.flatMap((field) => ['-e', field])]
  const { stdout } = await promisify(execFile)('/usr/bin/tshark', args, { maxBuffer: 64 * 1024 * 1024 })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [from, fromPort, to, toPort, callId = '', method, status, cseq] = line.split('\t')
      return { way: `${from}:${fromPort} > ${to}:${toPort}`, callId, what: `${method || status} ${cseq}` }
    })
}
