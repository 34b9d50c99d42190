import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Above those with a name, and below those of sound and those which systems lend to whoever connects. */
const [first, last] = [2_100, 11_900]
/** Defaults of ours, and of others, which some tests expect to be free or taken. */
const defaults = [5059, 5060, 5061, 5098, 5099, 8090, 8787]
/** Ports of this range to which fetch makes no connection ("bad port", Fetch §2.9). */
const unfetched = [3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080]
const reserved = new Set([...defaults, ...unfetched])
let next = first + Math.floor(Math.random() * (last - first))

/**
 * A port nobody on `host` uses, neither by TCP nor by UDP. No process is given one twice, nor is it lent to a connection
 * before it is listened on: what is started again finds it free.
 */
export async function freePort(host: string): Promise<number> {
  for (;;) {
    const port = next
    // What listens there may take the next one for TLS, as softphones do.
    next = next < last ? next + 4 : first
    if (reserved.has(port)) continue
    if (await isFree(port, host)) return port
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  const tcp = createServer().listen(port, host)
  if (!(await opens(tcp))) return false
  const udp = createSocket('udp4').bind(port, host)
  const free = await opens(udp)
  if (free) udp.close()
  await new Promise((closed) => tcp.close(closed))
  return free
}

function opens(socket: Server | ReturnType<typeof createSocket>): Promise<boolean> {
  return Promise.race([
    once(socket, 'listening').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false)
}
