import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { pause } from './wait.ts'

const listener = (port: number) =>
  `require('net').createServer().listen({ host: '127.0.0.1', port: ${port}, backlog: 1 }, () => console.log('here'))`

/**
 * A port of 127.0.0.1 which swallows every packet: who listens there is frozen and has no room for one more, so the
 * system drops what knocks, as a firewall would. Gives what ends it.
 */
export async function blackHole(port: number): Promise<() => Promise<void>> {
  const child = spawn(process.execPath, ['-e', listener(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const filling: Socket[] = []
  while (await connects(port, filling)) if (filling.length > 16) throw new Error('the port is never full')
  return async () => {
    for (const socket of filling) socket.destroy()
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
}

async function connects(port: number, filling: Socket[]): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  filling.push(socket)
  return Promise.race([once(socket, 'connect').then(() => true), pause(400).then(() => false)])
}
