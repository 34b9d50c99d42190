import { createSocket, type RemoteInfo } from 'node:dgram'

/*
 * The least a process in the middle can do: what comes from the carrier goes to who asked last, all else to the carrier, octet for
 * octet. Takes its own address, the carrier's and its port; says its port to its parent.
 */
const [own = '', carrier = '', port = ''] = process.argv.slice(2)
const socket = createSocket('udp4')
let asking: RemoteInfo | undefined
socket.on('message', (bytes, from) => {
  if (from.address !== carrier) {
    asking = from
    socket.send(bytes, Number(port), carrier)
  } else if (asking) socket.send(bytes, asking.port, asking.address)
})
socket.bind(0, own, () => process.send?.(socket.address().port))
process.on('disconnect', () => socket.close())
