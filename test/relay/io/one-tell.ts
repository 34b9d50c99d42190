import { BindingFile } from '../../../relay/io/bindings.ts'
import { Spool } from '../../../relay/io/spool.ts'
import { silence } from '../../support/silence.ts'
import { bindingTell, callTell } from './tells.ts'

/* Tells of a call and a phone, and is killed in the same turn: not even its own timers run any more. */
const folder = process.argv[2] ?? ''
const spool = await Spool.open({ folder: `${folder}/spool`, log: silence })
const file = await BindingFile.open({ folder: `${folder}/bindings`, log: silence })
spool.add(callTell())
const phone = bindingTell('registered')
spool.add(phone)
file.keep(phone)
process.kill(process.pid, 'SIGKILL')
