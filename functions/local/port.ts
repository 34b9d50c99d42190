import { type AddressInfo, createServer } from 'node:net'

/** Makes sure that a TCP port can be listened on; otherwise throws one sentence saying what to set instead. */
export async function checkPort(host: string, port: number, setting: string): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(sentence(cause, host, port, setting), { cause })))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

/** A TCP port nothing on this machine listens on just now. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function sentence(cause: Error, host: string, port: number, setting: string): string {
  const code = 'code' in cause ? cause.code : cause.message
  if (code === 'EADDRINUSE')
    return `Port ${port} on ${host} is taken by another program: stop that, or choose another with ${setting}.`
  if (code === 'EACCES')
    return `This user may not listen on port ${port}: choose one above 1023 with ${setting}.`
  if (code === 'EADDRNOTAVAIL') return `${host} is not an address of this machine: choose another with HOST.`
  return `Cannot listen on ${host} port ${port} (${code}).`
}
