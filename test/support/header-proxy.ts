import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { pause } from './wait.ts'

/**
 * A proxy in front of a port of 127.0.0.1 which puts a header before what each phone says: in one segment with its first
 * octets (`together`), or in one before. `close` ends it.
 */
export async function headerProxy(
  to: number,
  header: Buffer,
  together: boolean,
): Promise<{ readonly port: number; close(): Server }> {
  const proxy = createServer((phone) => {
    const relay = connect({ port: to, host: '127.0.0.1', noDelay: true })
    for (const socket of [phone, relay]) socket.on('error', () => {})
    phone.once('data', async (hello: Buffer) => {
      phone.pause()
      if (!together) {
        relay.write(header)
        await pause(20)
      }
      relay.write(together ? Buffer.concat([header, hello]) : hello)
      phone.pipe(relay)
    })
    relay.pipe(phone)
    phone.on('close', () => relay.destroy())
    relay.on('close', () => phone.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return { port: (proxy.address() as AddressInfo).port, close: () => proxy.close() }
}
